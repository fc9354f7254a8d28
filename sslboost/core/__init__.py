"""What every subject uses and none owns: validation, linear algebra, certificates, sweeps."""
