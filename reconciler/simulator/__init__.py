"""Another building: a console that behaves like SentinelOne, over real HTTP on loopback.

Written from the API reference alone; imports nothing of the product and is imported by nothing of
it. Takes a world (JSON) and requests, gives answers and a ground truth log; never leaves loopback.

Of the specification's operations on accounts, sites, users, roles, service users and activities,
these are left out on purpose, because no reconciler of access has use for them; they answer 404 or
405, as does everything that the specification has beyond:

- accounts: `/accounts/{id}/uninstall-password/...` (generate, metadata, revoke, view);
- sites: `/sites/duplicate-site`, `/sites/update-bulk`, `/sites/{id}/local-authorization`,
  `/sites/{id}/local-upgrade-approved-agents-csv`, `/sites/{id}/regenerate-key`,
  `/sites/{id}/token`;
- logging in and out: `/users/login...`, `/users/logout`, `/users/auth/...` (app, elevate, eula),
  `/users/sso-saml2/re-auth`, `/users/generate-iframe-token`;
- passwords and invitations: `/users/change-password`, `/users/onboarding/...`,
  `/users/{id}/recovery-email`;
- two factors: `/users/2fa/...`, `/users/2fa-recover/verify-code`, `/users/delete-2fa`,
  `/users/enroll-2fa`, `/users/reset-2fa`, `/users/enable-app`, `/users/request-app`.
"""
