"""Agent policies and single sign-on settings, to be read only (API reference, section 7.6).

The policies' fields are those that the specification lists for the body of `POST /sites`; their
values are this simulator's own. A site or account holds what it changed; the rest is inherited.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.simulator.calls import Call
from reconciler.simulator.envelopes import forbidden
from reconciler.simulator.lists import matching
from reconciler.simulator.places import seen_account, seen_site
from reconciler.simulator.rbac import permissions_on
from reconciler.simulator.role_listing import named_scopes
from reconciler.simulator.scopes import Scope

_BIRTH = "2023-01-09T08:00:00.000000Z"
_ON = (
    "agentLoggingOn", "agentNotification", "agentUiOn", "antiTamperingOn", "autoDecommissionOn",
    "autoImmuneOn", "cloudValidationOn", "ioc", "iocSupported", "isDefault", "monitorOnExecute",
    "monitorOnWrite", "networkQuarantineOn", "researchOn", "scanNewAgents", "snapshotsOn",
)  # fmt: skip
_OFF = (
    "allowRemoteShell", "driverBlocking", "fwForNetworkQuarantineEnabled", "identityOn",
    "isDvPolicyPerEventType", "removeMacros", "signedDriverBlockingOn", "unsignedDriverBlockingOn",
)  # fmt: skip
_ENGINES = (
    "applicationControl", "dataFiles", "executables", "exploits", "lateralMovement", "penetration",
    "preExecution", "preExecutionSuspicious", "pup", "remoteShell", "reputation",
)  # fmt: skip
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "autoInstallBrowserExtensions": ("autoInstallBrowserExtensions",),
    "behavioralIndicators": ("dvEventTypeBehavioralIndicators",),
    "commandScripts": ("dvEventTypeCommandScripts",),
    "crossProcess": tuple(
        f"dvEventTypeCrossProcess{each}"
        for each in ("DuplicateProcess", "DuplicateThread", "OpenProcess", "RemoteThread")
    ),
    "dataMasking": ("dataMasking",),
    "dllModuleLoad": ("dvEventTypeDllModuleLoad",),
    "dns": ("dvEventTypeDns",),
    "driver": ("dvEventTypeDriverLoad",),
    "file": (
        "fullDiskScan",
        *(f"dvEventTypeFile{each}" for each in ("Creation", "Deletion", "Modification", "Rename")),
    ),
    "ip": ("dvEventTypeIpConnect", "dvEventTypeIpListen"),
    "login": ("dvEventTypeLoginLoggedIn", "dvEventTypeLoginLoggedOut"),
    "namedPipe": ("dvEventTypeNamedPipeConnection", "dvEventTypeNamedPipeCreation"),
    "namedPipeExtended": ("namedPipeExtended",),
    "process": tuple(
        f"dvEventTypeProcess{each}" for each in ("Creation", "Exit", "Modification")
    ),
    "registry": (
        *(
            f"dvEventTypeRegistryKey{each}"
            for each in ("Created", "Delete", "Export", "Import", "Rename", "SecurityChanged")
        ),
        *(f"dvEventTypeRegistryValue{each}" for each in ("Created", "Deleted", "Modified")),
    ),
    "scheduledTask": tuple(
        f"dvEventTypeScheduledTask{each}"
        for each in ("Delete", "Register", "Start", "Trigger", "Update")
    ),
    "smartFileMonitoring": ("smartFileMonitoring",),
    "url": ("dvEventTypeUrl",),
    "windowsEventLogs": ("dvEventTypeWindowsEventLogCreation",),
    "windowsEventLogsExtended": ("windowsEventLogsExtended",),
}  # fmt: skip
_AGENT_UI = {
    **dict.fromkeys(
        ("agentUiOn", "devicePopUpNotifications", "showAgentWarnings", "showDeviceTab",
         "showQuarantineTab", "showSupport", "showSuspicious", "threatPopUpNotifications"), True,
    ),
    **dict.fromkeys(
        ("contactCompany", "contactDirectMessage", "contactEmail", "contactFreeText",
         "contactOther", "contactPhoneNumber", "contactSupportWebsite"),
    ),
    "maxEventAgeDays": 30,
}  # fmt: skip
_DEFAULT: Mapping[str, Any] = {
    **dict.fromkeys(_ON, True),
    **dict.fromkeys(_OFF, False),
    "agentUi": _AGENT_UI,
    "autoDecommissionDays": 21,
    "autoFileUpload": {
        "enabled": False,
        **dict.fromkeys(
            ("includeBenignFiles", "maxDailyFileUpload", "maxDailyFileUploadLimit", "maxFileSize",
             "maxFileSizeLimit", "maxLocalDiskUsage", "maxLocalDiskUsageLimit"),
        ),
    },
    "autoMitigationAction": "mitigation.quarantineThreat",
    "dvAttributesPerEventType": {
        event: dict.fromkeys(names, True) for event, names in _EVENTS.items()
    },
    "engines": dict.fromkeys(_ENGINES, "on"),
    "identityEndpointReporting": "disabled",
    "identityReportInterval": 5,
    "identityThrottlingInterval": 60,
    "identityUpdateInterval": 60,
    "iocAttributes": dict.fromkeys((*_EVENTS, "fds"), True),
    "mitigationMode": "protect",
    "mitigationModeSuspicious": "detect",
    "remoteOpsForensics": {
        "enabled": False,
        "parsedArtifactsDestination": "cloud",
        **dict.fromkeys(
            ("cpuLimit", "maximumDailyUpload", "maximumDailyUploadLimit", "maximumFileSizeUpload",
             "maximumFileSizeUploadLimit"),
        ),
    },
    "remoteScriptOrchestration": dict.fromkeys(
        ("alwaysUploadStreamToCloud", "maxDailyFileDownload", "maxDailyFileDownloadLimit",
         "maxDailyFileUpload", "maxDailyFileUploadLimit", "maxFileSize", "maxFileSizeLimit",
         "maxLocalPackageDiskUsage", "maxLocalPackageDiskUsageLimit"),
    ),
    "createdAt": _BIRTH,
    "updatedAt": _BIRTH,
    "userFullName": "SentinelOne",
    "userId": "1820000000000000002",
}  # fmt: skip


POLICY_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    **{name: type(value) for name, value in _DEFAULT.items()},
    "inheritedFrom": str,
}
"""The fields of a policy and their JSON types."""


def site_policy(call: Call) -> dict[str, Any]:
    """`GET /sites/{id}/policy`."""
    site = seen_site(call)
    account = call.world.accounts[site.account_id]
    source = "account" if account.policy is not None else "global"
    return {"data": _policy(source, account.policy or {}, site.policy)}


def account_policy(call: Call) -> dict[str, Any]:
    """`GET /accounts/{id}/policy`."""
    return {"data": _policy("global", {}, seen_account(call).policy)}


def sso_settings(call: Call) -> dict[str, Any]:
    """`GET /settings/sso`: switched off; 403 for who may not edit settings of the scope."""
    parameters: dict[str, Any] = dict(call.parameters)
    allowed = {name: raw for name, raw in parameters.items() if name in {"siteIds", "accountIds"}}
    matching({}, (), {name: raw for name, raw in parameters.items() if name not in allowed})
    for scope in named_scopes(call, allowed) or [Scope("tenant", "")]:
        if "Settings.edit" not in permissions_on(call.world, call.caller, scope):
            raise forbidden()
    viewer = next(
        (role for role in call.world.roles.values() if role.predefined and role.name == "Viewer"),
        None,
    )
    return {
        "data": {
            "enabled": False,
            "autoProvisioning": False,
            "defaultUserRole": viewer.name if viewer else None,
            "defaultUserRoleId": viewer.id if viewer else None,
            "domains": list(call.world.settings.allowed_domains),
            "idpCertName": None,
            "idpEntityId": None,
            "idpSsoUrl": None,
            "signRequest": False,
            "spAcsUrl": f"https://{call.world.settings.host}/saml2/acs",
            "spEntityId": f"https://{call.world.settings.host}",
            "ssoElevatedSessionReauthType": None,
            "ssoElevatedSessionReauthTypeEnabled": False,
        }
    }


def _policy(
    source: str, inherited: Mapping[str, Any], own: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return a policy: the default, what the scope above changed, and what this one changed."""
    policy = {**_DEFAULT, **inherited, **(own or {})}
    is_own = own is not None
    return policy | {"inheritedFrom": None if is_own else source, "isDefault": not is_own}
