"""Keep the HTML free of what needs the network.

Jupyter Book always loads sphinx-thebe, which writes the address of a script on the network into
every page (twice, which is an error in itself), even with its button switched off.
"""


def silence(app, config):
    """Drop every listener and the style sheet of sphinx-thebe before it has done anything."""
    for listeners in app.events.listeners.values():
        listeners[:] = [
            one for one in listeners if not one.handler.__module__.startswith("sphinx_thebe")
        ]
    app.registry.css_files[:] = [css for css in app.registry.css_files if "thebe" not in css[0]]


def setup(app):
    """Register with Sphinx, ahead of everyone else."""
    app.connect("config-inited", silence, priority=1)
    return {"parallel_read_safe": True}
