"""The commands of ``comptoir``, by name; each lives in a file of its own."""

from cyclopts import App

from comptoir import __version__

app = App(
    name="comptoir",
    help="A commercial marketplace that anyone can run, wire-compatible with Microsoft Partner Center.",
    version=__version__,
)
app.command("comptoir.cli.init:init", name="init")
app.command("comptoir.cli.serve:serve", name="serve")
app.command("comptoir.cli.token:token", name="token")
app.command("comptoir.cli.customers:customers", name="customers")
app.command("comptoir.cli.catalog:app", name="catalog")
app.command("comptoir.cli.demo:demo", name="demo")
app.command("comptoir.cli.doctor:doctor", name="doctor")
app.command("comptoir.cli.reset:reset", name="reset")
app.command("comptoir.cli.settings:settings", name="settings")
