"""The commands of ``comptoir``, by name; each lives in a file of its own.

What the list of commands says about each stands here, because the files are not imported for it.
"""

from cyclopts import App

from comptoir import __version__

app = App(
    name="comptoir",
    help="A commercial marketplace that anyone can run, wire-compatible with Microsoft Partner Center.",
    version=__version__,
)
app.command(
    "comptoir.cli.init:init",
    name="init",
    help="Make a new marketplace. The secrets that it prints are shown once and stored only as digests.",
)
app.command("comptoir.cli.serve:serve", name="serve", help="Serve the marketplace until interrupted.")
app.command(
    "comptoir.cli.token:token",
    name="token",
    help="Print a bearer token that is valid for an hour, and nothing else.",
)
app.command(
    "comptoir.cli.customers:customers",
    name="customers",
    help="List the customers of an account with their Microsoft ID, which every call about them needs.",
)
app.command(
    "comptoir.cli.profile:app",
    name="profile",
    help="Name the services that the next commands call, and as whom. The profile local needs none.",
)
app.command(
    "comptoir.cli.partner.catalog:products",
    name="products",
    help="What is for sale in a country, or to a customer.",
)
app.command("comptoir.cli.partner.catalog:skus", name="skus", help="The plans of a product.")
app.command(
    "comptoir.cli.partner.catalog:availabilities",
    name="availabilities",
    help="What a cart line can buy of a plan.",
)
app.command("comptoir.cli.partner.cart:app", name="cart", help="Put a purchase together and order it.")
app.command("comptoir.cli.partner.orders:app", name="orders", help="The orders of a customer.")
app.command(
    "comptoir.cli.partner.subscriptions:app",
    name="subscriptions",
    help="The subscriptions of a customer: activate, change, cancel.",
)
app.command(
    "comptoir.cli.partner.invoices:app",
    name="invoices",
    help="What purchases cost: invoices, their lines, and what is not billed yet.",
)
app.command(
    "comptoir.cli.connect:connect",
    name="connect",
    help="Print a program that calls the running server: curl, python, node, java, dotnet or powershell.",
)
app.command(
    "comptoir.cli.export:export",
    name="export",
    help="Write lines, daily consumption or postings into files: CSV, JSON lines, Parquet.",
)
app.command(
    "comptoir.cli.reconcile:reconcile",
    name="reconcile",
    help="Compare a reconciliation file with the books and say where they differ, and why.",
)
app.command("comptoir.cli.account:app", name="account", help="List the accounts and change their settings.")
app.command(
    "comptoir.cli.clock:app",
    name="clock",
    help="Show, advance, freeze and run the clock of a sandbox account; a year takes seconds.",
)
app.command("comptoir.cli.catalog:app", name="catalog", help="Check and import the catalogue that is sold.")
app.command(
    "comptoir.cli.rates:app",
    name="rates",
    help="Import exchange rates, tax rates and private offers, and list what is known.",
)
app.command(
    "comptoir.cli.sample_publisher:app",
    name="sample-publisher",
    help="Run a small publisher: landing page, webhook receiver, metering.",
)
app.command(
    "comptoir.cli.publisher:app",
    name="publisher",
    help="For developers of a publisher's site: buy for a test customer, then suspend, renew and so on.",
)
app.command(
    "comptoir.cli.webhooks:app",
    name="webhooks",
    help="List what was sent to publishers and how it went, and send it again.",
)
app.command(
    "comptoir.cli.usage:app",
    name="usage",
    help="Add usage that was reported too late, and see what a term has used.",
)
app.command(
    "comptoir.cli.billing:app",
    name="billing",
    help="The invoices of an account: issue, preview, take payments, correct.",
)
app.command(
    "comptoir.cli.books:explain",
    name="explain",
    help="Explain a line of an invoice: event, rule, and every formula with its numbers.",
)
app.command(
    "comptoir.cli.books:verify",
    name="verify",
    help="Prove the books of every account, or name the first thing that does not hold.",
)
app.command(
    "comptoir.cli.demo:demo",
    name="demo",
    help="Play a partner's purchase over real HTTP against a fresh sample marketplace, step by step.",
)
app.command(
    "comptoir.cli.doctor:doctor",
    name="doctor",
    help="Look for what keeps this installation from working, and say how to mend it.",
)
app.command(
    "comptoir.cli.reset:reset",
    name="reset",
    help="Delete everything in the database and leave none, ready for comptoir init.",
)
app.command(
    "comptoir.cli.settings:settings",
    name="settings",
    help="Print the settings of this installation and where each comes from.",
)
