"""Notes, labels and issues, as on GitLab."""

import re
from typing import Any

from codehost.exchange import Asked, Refused, Reply
from codehost.gitlab_base import Door, refusal
from codehost.gitlab_world import DEVELOPER, MAINTAINER, REPORTER, Item, Note
from codehost.server import route

LIMITS = {"body": 1_000_000, "title": 255, "description": 1_048_576}
"""Characters; one more is refused."""
_COMMAND = re.compile(
    r"/(approve|assign|assign_reviewer|award|blocked_by|clone|close|confidential|copy_metadata|done|"
    r"draft|due|duplicate|epic|estimate|iteration|label|lock|merge|milestone|move|promote|ready|"
    r"reassign|rebase|relabel|relate|remove_\w+|reopen|request_changes|shrug|spend|submit_review|"
    r"subscribe|tableflip|target_branch|title|todo|unapprove|unassign|unlabel|unlock|unsubscribe|"
    r"weight|zoom)(\s|$)"
)
_NOTES = "/projects/{project}/{kind}/{iid}/notes"


class Talk(Door):
    """What people and bots say."""

    def item(self, kind: str, iid: str) -> Item:
        """Return an issue or a merge request."""
        kinds = {"merge_requests": self.world.requests, "issues": self.world.issues}
        item = kinds.get(kind, {}).get(int(iid)) if iid.isdigit() else None
        if item is None:
            raise refusal(404, "404 Not found")
        return item

    # Notes

    @route("GET", _NOTES)
    def list_notes(self, asked: Asked, kind: str, iid: str, **_: str) -> Reply:
        """List the newest first unless asked otherwise, system notes among them."""
        item = self.item(kind, iid)
        order = asked.query.get("order_by", "created_at")
        notes = sorted(
            item.notes,
            key=lambda note: (note.updated if order == "updated_at" else note.created, note.id),
            reverse=asked.query.get("sort", "desc") == "desc",
        )
        wanted = {"only_comments": False, "only_activity": True}.get(
            asked.query.get("activity_filter", "")
        )
        notes = [note for note in notes if wanted in {None, note.is_system}]
        return self.page(asked, notes, lambda note: self.views.note(item, note))

    @route("POST", _NOTES)
    def add_note(self, asked: Asked, kind: str, iid: str, **_: str) -> Reply:
        item = self.item(kind, iid)
        token = self.need(REPORTER)
        body = self._obeyed(item, _text(asked.json(), "body"))
        if not body:
            return Reply(202, {"commands_changes": {}, "summary": ["Done."]})
        note = self.world.note(item, token.member.username, body)
        return Reply(201, self.views.note(item, note))

    def _obeyed(self, item: Item, text: str) -> str:
        """Carry out the quick actions of a text; return it without them.

        Lines in fenced code are none.
        """
        kept, fence, before = [], "", len(self.world.commands)
        for line in text.splitlines():
            ticks = re.match(r" {0,3}(`{3,}|~{3,})", line)
            if ticks and not fence:
                fence = ticks[1]
            elif ticks and ticks[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
            if not fence and _COMMAND.match(line):
                self.world.commands.append((item.iid, line))
            else:
                kept.append(line)
        return "\n".join(kept).strip() if len(self.world.commands) > before else text

    def _note(self, item: Item, note_id: str) -> Note:
        for note in item.notes:
            if str(note.id) == note_id:
                return note
        raise refusal(404, "404 Note Not Found")

    @route("PUT", _NOTES + "/{note_id}")
    def edit_note(self, asked: Asked, kind: str, iid: str, note_id: str, **_: str) -> Reply:
        """Change one's own; a maintainer also those of others."""
        item = self.item(kind, iid)
        note, token = self._note(item, note_id), self.need(REPORTER)
        if note.is_system or (note.author is not token.member and token.member.role < MAINTAINER):
            raise refusal(403, "403 Forbidden")
        note.body = self._obeyed(item, _text(asked.json(), "body"))
        note.updated = self.now
        note.edited_by.append(token.member.username)
        return Reply(200, self.views.note(item, note))

    # Labels: a field of a merge request

    @route("PUT", "/projects/{project}/merge_requests/{iid}")
    def edit_request(self, asked: Asked, iid: str, **_: str) -> Reply:
        item = self.item("merge_requests", iid)
        self.need(DEVELOPER)
        self._change(item, asked.json())
        return Reply(200, self.views.request(item))

    def _change(self, item: Item, sent: dict[str, Any]) -> None:
        if not sent:
            raise Refused(
                400, {"error": "title, description, labels ... are missing, at least one"}
            )
        if "labels" in sent:
            item.labels = _names(sent["labels"])
        gone = set(_names(sent.get("remove_labels")))
        item.labels = [label for label in item.labels if label not in gone]
        item.labels += [n for n in _names(sent.get("add_labels")) if n not in item.labels]
        if "title" in sent:
            item.title = _text(sent, "title")
        if "description" in sent:
            item.description = self._obeyed(item, _described(sent))
        event = sent.get("state_event")
        if event not in {None, "close", "reopen"}:
            raise Refused(400, {"error": "state_event does not have a valid value"})
        item.state = {"close": "closed", "reopen": "opened"}.get(event or "", item.state)

    # Issues

    @route("GET", "/projects/{project}/issues")
    def list_issues(self, asked: Asked, **_: str) -> Reply:
        """List the newest first, open and closed ones, unless asked otherwise."""
        wanted = set(_names(asked.query.get("labels")))
        state = asked.query.get("state", "all")
        author = asked.query.get("author_username", "")
        found = [
            item
            for item in self.world.issues.values()
            if wanted <= set(item.labels)
            and state in {"all", item.state}
            and author in {"", item.author.username}
        ]
        is_down = asked.query.get("sort", "desc") == "desc"
        found.sort(key=lambda item: (item.created, item.iid), reverse=is_down)
        return self.page(asked, found, self.views.issue, has_keyset=True)

    @route("GET", "/projects/{project}/issues/{iid}")
    def get_issue(self, _asked: Asked, iid: str, **_: str) -> Reply:
        return Reply(200, self.views.issue(self.item("issues", iid)))

    @route("POST", "/projects/{project}/issues")
    def add_issue(self, asked: Asked, **_: str) -> Reply:
        token, sent = self.need(REPORTER), asked.json()
        title = _text(sent, "title")
        item = self.world.open_issue(token.member.username, title)
        item.description = self._obeyed(item, _described(sent))
        item.labels = _names(sent.get("labels"))
        return Reply(201, self.views.issue(item))

    @route("PUT", "/projects/{project}/issues/{iid}")
    def edit_issue(self, asked: Asked, iid: str, **_: str) -> Reply:
        item = self.item("issues", iid)
        self.need(REPORTER)
        self._change(item, asked.json())
        return Reply(200, self.views.issue(item))


def _names(sent: Any) -> list[str]:
    """Split a comma-separated string; a list of strings is as good."""
    parts = sent if isinstance(sent, list) else (sent or "").split(",")
    return [part.strip() for part in parts if part.strip()]


def _text(sent: dict[str, Any], key: str) -> str:
    text = sent.get(key)
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, {"error": f"{key} is missing"})
    if len(text) > LIMITS[key]:
        name = "note" if key == "body" else key
        raise refusal(400, {name: [f"is too long (maximum is {LIMITS[key]} characters)"]})
    return text


def _described(sent: dict[str, Any]) -> str:
    return _text(sent, "description") if sent.get("description") else ""
