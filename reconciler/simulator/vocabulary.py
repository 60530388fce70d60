"""The words a generated world is made of."""

PREDEFINED = (
    ("Admin", "Everything", ("*",)),
    ("Viewer", "Sees everything, changes nothing", ("*.view",)),
    ("IR Team", "Incident response", ("*.view", "Endpoints.*", "Threats.*", "Exclusions.edit")),
    ("IT", "Keeps agents and sites running",
     ("*.view", "Endpoints.edit", "Sites.edit", "Policy.edit", "Exclusions.edit")),
    ("SOC", "Watches and decides on threats", ("*.view", "Threats.*", "Endpoints.isolate")),
    ("C-Level", "Reports", ("Accounts.view", "Sites.view", "Reports.*", "Users.view")),
)  # fmt: skip
"""Name, description and permission patterns (API reference, section 6.1 names the six)."""

CUSTOM = (
    ("Triage", ("*.view", "Threats.changeVerdict")),
    ("Threat Hunting", ("*.view", "Threats.changeVerdict", "Endpoints.remoteShell")),
    ("Helpdesk", ("*.view", "Endpoints.edit")),
    ("Policy Owner", ("*.view", "Policy.edit", "Exclusions.edit")),
    ("Access Manager", ("*.view", "Users.*", "Roles.view")),
    ("Auditor", ("*.view", "Reports.create")),
    ("Site Operator", ("*.view", "Endpoints.*", "Sites.edit")),
    ("Night Shift", ("*.view", "Threats.*")),
)
"""Names of custom roles, on purpose few: they come again on other scopes."""

COMPANIES = (
    "Acorn Foods", "Baltic Freight", "Cobalt Energy", "Delta Clinics", "Ember Retail",
    "Fjord Bank", "Granite Works", "Harbour Media", "Indigo Travel", "Juniper Farms",
    "Kestrel Air", "Lumen Optics", "Meridian Law", "Northwind Rail", "Opal Insurance",
    "Pioneer Steel", "Quartz Labs", "Rowan Schools", "Sable Motors", "Tundra Gas",
)  # fmt: skip

CITIES = (
    "Amsterdam", "Athens", "Austin", "Berlin", "Bogotá", "Chicago", "Copenhagen", "Dublin",
    "Gdańsk", "Hamburg", "Helsinki", "Istanbul", "Kraków", "Lisbon", "London", "Lyon", "Madrid",
    "Malmö", "Montréal", "München", "Nairobi", "Oslo", "Porto", "Prague", "Rome", "São Paulo",
    "Seoul", "Tokyo", "Toronto", "Warsaw", "Wien", "Zürich",
)  # fmt: skip

FIRST_NAMES = (
    "Ada", "Aiko", "Amara", "Ana", "Anders", "Bea", "Bruno", "Carlos", "Chiara", "Dana", "Diego",
    "Elif", "Emeka", "Erik", "Farah", "Femi", "Gita", "Grace", "Hana", "Hugo", "Ines", "Ivan",
    "Jana", "Jonas", "Kaja", "Kofi", "Lena", "Liam", "Mina", "Mateo", "Nadia", "Noor", "Olga",
    "Omar", "Petra", "Pavel", "Quinn", "Rosa", "Ravi", "Sara", "Søren", "Tomas", "Uma", "Vera",
    "Wei", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip

LAST_NAMES = (
    "Abbott", "Álvarez", "Bianchi", "Bose", "Cho", "Costa", "Dubois", "Eriksen", "Fischer",
    "García", "Haddad", "Holm", "Ito", "Jansen", "Kaya", "Kowalska", "Lindqvist", "Marsh",
    "Mbeki", "Moreau", "Nagy", "Novák", "Okafor", "Osei", "Petrov", "Quist", "Rahman", "Rossi",
    "Sato", "Schmidt", "Silva", "Suzuki", "Tanaka", "Ueda", "Varga", "Weber", "Wolf", "Yilmaz",
    "Zhang", "Żak",
)  # fmt: skip

ROBOTS = (
    "siem-export", "ticketing", "soar", "cmdb-sync", "asset-inventory", "mail-gateway",
    "vulnerability-feed", "backup-monitor", "compliance-report", "marketplace-app",
)  # fmt: skip
