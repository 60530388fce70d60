"""A believable company of any size from a seed: `generate(seed, Size(...))`.

The same seed and size give the same world, byte for byte. It holds on purpose what a client may
stumble over: users of all three levels, different roles on different sites of one user, one site
name in several accounts, one role name on several scopes, expired and deleted sites with grants
left on them, Trial sites, people of an identity provider and of the whole organisation, people who
never logged in, tokens that ran out.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from reconciler.simulator.dice import AS_OF, Dice, written
from reconciler.simulator.records import Account, Grant, Group, Role, ServiceUser, Site, User
from reconciler.simulator.vocabulary import (
    CITIES,
    COMPANIES,
    CUSTOM,
    FIRST_NAMES,
    LAST_NAMES,
    PREDEFINED,
    ROBOTS,
)
from reconciler.simulator.world import World

_ROLE_NAMES = [name for name, _ in CUSTOM]
_MANY_ACCOUNTS = 5
"""From here on the last account has expired."""
_EXPIRED = 7
"""This site has expired, whatever the dice say."""
_EVERY_TRIAL, _EVERY_GLOBAL = 10, 20
"""One of so many sites is on trial, one of so many users `global`: of the first ones the last."""
_FIXED_USERS = 2
_FIRST_ID = 1_830_000_000_000_000_000
_LEVELS = (("tenant", 3), ("account", 15), ("site", 82))
_SOURCES = (("mgmt", 50), ("sso_saml", 42), ("active_directory", 8))
_TWO_FA = (("configured", 82), ("not_configured", 10), ("enrolled", 5), ("enrollment_expired", 3))
_BASE_ROLES = (("Viewer", 40), ("SOC", 25), ("IT", 15), ("IR Team", 10), ("Admin", 6),
               ("C-Level", 4))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of everything; the smallest possible world is `Size(1, 1, 6, 2, 1, 2)`."""

    accounts: int = 5
    sites: int = 40
    roles: int = 14
    """Predefined ones included."""
    users: int = 200
    assignments: int = 3
    """Grants of a user of account or site level, on average; a tenant user has one."""
    service_users: int = 20

    def check(self) -> None:
        """Raise ValueError for a world that cannot be."""
        least = {
            "accounts": 1, "sites": self.accounts, "roles": len(PREDEFINED), "users": 2,
            "assignments": 1, "service_users": 2,
        }  # fmt: skip
        for item in fields(self):
            if getattr(self, item.name) < least[item.name]:
                word = item.name.replace("_", " ")
                raise ValueError(f"a world needs at least {least[item.name]} {word}")


def generate(seed: int, size: Size) -> World:
    """Make the world of that seed and size; raises ValueError when the size cannot be."""
    size.check()
    maker = _Maker(Dice(seed), size)
    maker.add_places()
    maker.add_roles()
    maker.add_users()
    maker.add_service_users()
    return maker.world


class _Maker:
    """Fills one world."""

    def __init__(self, dice: Dice, size: Size) -> None:
        self.dice = dice
        self.size = size
        self.world = World()
        self._next_id = _FIRST_ID
        self._sites: dict[str, list[Site]] = {}
        self._usable: list[Site] = []
        self._custom: dict[str, list[str]] = {}
        """Ids of custom roles by the id of the scope that owns them."""
        self._base: dict[str, str] = {}
        self._addresses: dict[str, int] = {}

    def new_id(self) -> str:
        """Return the next id; they rise in the order of creation, with gaps as on a console."""
        self._next_id += 1 + self.dice.below(1000)
        return str(self._next_id)

    def add_places(self) -> None:
        """Add accounts and sites: each account has a default site, the first ones most sites."""
        names = [_numbered(COMPANIES, index) for index in range(self.size.accounts)]
        accounts = [self._account(name, index) for index, name in enumerate(names)]
        counts = [1] * len(accounts)
        for _ in range(self.size.sites - len(accounts)):
            counts[min(self.dice.below(len(counts)), self.dice.below(len(counts)))] += 1
        for account, count in zip(accounts, counts, strict=True):
            self._sites[account.id] = [self._site(account, index) for index in range(count)]
        self._usable = [site for site in self.world.sites.values() if site.state != "deleted"]

    def add_roles(self) -> None:
        """Add the predefined roles and custom ones of tenant, accounts and sites in turn."""
        for name, text, permissions in PREDEFINED:
            role = Role(self.new_id(), name, text, predefined=True, permissions=permissions)
            self.world.roles[role.id] = role
            self._base[name] = role.id
        owners = {
            "tenant": [""],
            "account": list(self.world.accounts),
            "site": [site.id for site in sorted(self._usable, key=lambda site: site.name)],
        }
        for index in range(self.size.roles - len(PREDEFINED)):
            turn, level = index // 3, ("tenant", "account", "site")[index % 3]
            scope_id = owners[level][turn % len(owners[level])]
            owned = self._custom.setdefault(scope_id, [])
            # Role names are not unique over scopes (API reference, section 6.1); within one here.
            name = _numbered(_ROLE_NAMES, turn // min(2, len(owners[level])))
            when = self.dice.ago(30, 700)
            role = Role(
                self.new_id(), name, f"{name}, made for this {level}", level, scope_id,
                permissions=CUSTOM[turn % len(CUSTOM)][1], created_at=when, updated_at=when,
            )  # fmt: skip
            self.world.roles[role.id] = role
            owned.append(role.id)

    def add_users(self) -> None:
        """Add the vendor's user, one administrator, and people of all levels and sources."""
        admin = (Grant("", self._base["Admin"]),)
        vendor = User(
            self.new_id(), f"support@{self.world.settings.host}", "SentinelOne Support", "tenant",
            admin, is_system=True,
        )  # fmt: skip
        first = User(
            self.new_id(), "admin@corp.example", "Console Admin", "tenant", admin,
            first_login=self.dice.ago(800, 900), last_login=self.dice.ago(0, 3),
        )  # fmt: skip
        for user in (
            vendor,
            first,
            *(self._user(index) for index in range(self.size.users - _FIXED_USERS)),
        ):
            self.world.users[user.id] = user
        for role in list(self.world.roles.values()):
            if not role.predefined:
                self.world.roles[role.id] = _made_by(role, first.id)

    def add_service_users(self) -> None:
        """Add the product's own two, and machines: most of them stand on one site."""
        creator = list(self.world.users)[1]
        own = (("reconciler", "Admin"), ("reconciler-plan", "Viewer"))
        for name, role in own:
            self._service_user(name, "tenant", (Grant("", self._base[role]),), creator)
        for _ in range(self.size.service_users - len(own)):
            level = self.dice.weighted((("tenant", 5), ("account", 25), ("site", 70)))
            grants = self._grants(level, 1 if self.dice.chance(0.9) else 3)
            self._service_user(self.dice.pick(ROBOTS), level, grants, creator)

    def _account(self, name: str, index: int) -> Account:
        created = self.dice.ago(1000, 1400)
        is_over = self.size.accounts >= _MANY_ACCOUNTS and index == self.size.accounts - 1
        account = Account(
            self.new_id(), name, "expired" if is_over else "active",
            licenses=100 * (1 + self.dice.below(80)),
            expiration=self.dice.ago(1, 90) if is_over else None,
            created_at=created, updated_at=created,
        )  # fmt: skip
        self.world.accounts[account.id] = account
        return account

    def _site(self, account: Account, index: int) -> Site:
        """Add a site; its name is unique in its account, and comes again in others."""
        state = self.dice.weighted((("active", 94), ("expired", 3), ("deleted", 3)))
        number = len(self.world.sites)
        state = "expired" if number == _EXPIRED else "active" if index == 0 else state
        created = self.dice.ago(100, 1000)
        site = Site(
            self.new_id(), "Default site" if index == 0 else _numbered(CITIES, index - 1),
            account.id, state, is_default=index == 0, licenses=10 + self.dice.below(500),
            expiration=self.dice.ago(1, 99) if state == "expired" else None,
            site_type="Trial" if number % _EVERY_TRIAL == _EVERY_TRIAL - 1 else "Paid",
            created_at=created, updated_at=created,
        )  # fmt: skip
        self.world.sites[site.id] = site
        group = Group(self.new_id(), "Default Group", site.id, is_default=True)
        self.world.groups[group.id] = group
        return site

    def _user(self, index: int) -> User:
        dice = self.dice
        full_name = f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)}"
        level, source = dice.weighted(_LEVELS), dice.weighted(_SOURCES)
        source = "global" if index % _EVERY_GLOBAL == _EVERY_GLOBAL - _FIXED_USERS - 1 else source
        joined = dice.ago(200, 900)
        came = not dice.chance(0.08)
        has_token = came and dice.chance(0.05)
        made = dice.ago(0, 60)
        return User(
            id=self.new_id(),
            email=self._address(full_name),
            full_name=full_name,
            scope=level,
            grants=self._grants(level, self.size.assignments),
            source=source,
            email_verified=came or source != "mgmt",
            date_joined=joined,
            first_login=dice.ago(100, 200) if came else None,
            last_login=dice.ago(0, 100) if came else None,
            two_fa_enabled=dice.chance(0.95),
            two_fa_status=dice.weighted(_TWO_FA) if came else "not_configured",
            can_generate_api_token=has_token,
            token_created_at=made if has_token else None,
            token_expires_at=_days_after(made, 30) if has_token else None,
        )

    def _service_user(self, name: str, level: str, grants: tuple[Grant, ...], creator: str) -> None:
        new_id, made = self.new_id(), self.dice.ago(10, 700)
        service = ServiceUser(
            id=new_id,
            name=name,
            scope=level,
            grants=grants,
            description=f"{name} of this {level}" if self.dice.chance(0.7) else None,
            uuid=str(uuid5(NAMESPACE_URL, new_id)),
            created_at=made,
            updated_at=made,
            created_by=creator,
            updated_by=creator,
            last_activation=self.dice.ago(0, 10) if self.dice.chance(0.85) else None,
            token_created_at=made,
            token_expires_at=_days_after(made, 730),
        )
        self.world.service_users[new_id] = service

    def _grants(self, level: str, mean: int) -> tuple[Grant, ...]:
        """Return grants of one level; most people have one usual role, and others in places."""
        dice = self.dice
        usual = self._base[dice.weighted(_BASE_ROLES)]
        if level == "tenant":
            return (Grant("", self._role("", usual)),)
        if level == "account":
            accounts = list(self.world.accounts)
            chosen = dice.some(accounts, dice.around(mean, len(accounts)))
            return tuple(Grant(each, self._role(each, usual)) for each in chosen)
        sites = self._usable
        if dice.chance(0.02):  # what was granted on a site before it was deleted
            sites = list(self.world.sites.values())
        picked = dice.some(sites, dice.around(mean, len(sites)))
        return tuple(Grant(site.id, self._role(site.id, usual)) for site in picked)

    def _role(self, scope_id: str, usual: str) -> str:
        """Return the usual role or, in a quarter of the cases, another that is visible there."""
        if not self.dice.chance(0.25):
            return usual
        site = self.world.sites.get(scope_id)
        owners = {"": None, site.account_id if site else "": None, scope_id: None}
        custom = [role for owner in owners for role in self._custom.get(owner, ())]
        return self.dice.pick([*self._base.values(), *custom])

    def _address(self, full_name: str) -> str:
        """Return an address nobody has, plain ASCII; a few are written in capitals."""
        plain = unicodedata.normalize("NFKD", full_name.translate(_LETTERS))
        local = plain.encode("ascii", "ignore").decode().replace(" ", ".")
        domain = self.dice.weighted((("corp.example", 85), ("contractor.example", 15)))
        local = local if self.dice.chance(0.03) else local.lower()
        number = self._addresses.get(local.lower(), 0) + 1
        self._addresses[local.lower()] = number
        return f"{local}{number if number > 1 else ''}@{domain}"


_LETTERS = str.maketrans({"ø": "o", "ł": "l"})


def _numbered(names: Sequence[str], index: int) -> str:
    """Return a name of the list; after the last one they begin again, with a number."""
    turn, place = divmod(index, len(names))
    return f"{names[place]} {turn + 1}" if turn else names[place]


def _days_after(text: str, days: int) -> str:
    return written(AS_OF.fromisoformat(text) + timedelta(days=days))


def _made_by(role: Role, creator_id: str) -> Role:
    return replace(role, creator_id=creator_id)
