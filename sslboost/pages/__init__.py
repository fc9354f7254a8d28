"""What only the book's pages need: its figures and tables, and the runs that a page makes live."""
