"""Keep the HTML free of what needs the network, and of what no page loads.

Jupyter Book always loads sphinx-thebe, which writes the address of a script on the network into
every page (twice, which is an error in itself), even with its button switched off.
"""

from pathlib import Path


def silence(app, config):
    """Drop every listener and the style sheet of sphinx-thebe before it has done anything."""
    for listeners in app.events.listeners.values():
        listeners[:] = [
            one for one in listeners if not one.handler.__module__.startswith("sphinx_thebe")
        ]
    app.registry.css_files[:] = [css for css in app.registry.css_files if "thebe" not in css[0]]


def lighten(app, exception):
    """Remove what no page loads: MathJax's other bundles, and maps for debuggers."""
    static = Path(app.outdir, "_static")
    loaded = Path(app.config.mathjax_path or "").name
    bundles = [file for file in static.glob("mathjax/*.js") if loaded and file.name != loaded]
    for file in [*bundles, *static.rglob("*.map")]:
        file.unlink()


def setup(app):
    """Register with Sphinx: the listeners go before everyone else's, the files at the very end."""
    app.connect("config-inited", silence, priority=1)
    app.connect("build-finished", lighten, priority=999)
    return {"parallel_read_safe": True}
