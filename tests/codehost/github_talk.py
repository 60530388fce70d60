"""Comments, labels and issues, as on GitHub."""

from typing import Any

from codehost.exchange import Asked, Reply
from codehost.github_base import Door, invalid, refusal
from codehost.github_world import Comment, Item, Token
from codehost.server import route

COMMENT_LIMIT = 65_536
"""Characters; one more is refused."""
TITLE_LIMIT = 256


class Talk(Door):
    """What people and bots say."""

    # Comments

    @route("GET", "/repos/{owner}/{name}/issues/{number}/comments")
    def list_comments(self, asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        self.need_for("read", item)
        return self.page(asked, self.world.comments_on(item.number), self.views.comment)

    @route("POST", "/repos/{owner}/{name}/issues/{number}/comments")
    def add_comment(self, asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        token = self.need_for("write", item)
        body = _body(asked.json(), "IssueComment")
        if item.is_locked:
            raise refusal(403, "Unable to create comment because issue is locked.")
        comment = self.world.add_comment(item.number, token.account, body, by_app=token.is_app)
        return Reply(201, self.views.comment(comment))

    def _comment(self, number: str) -> Comment:
        for comment in self.world.comments:
            if str(comment.id) == number:
                return comment
        raise refusal(404, "Not Found")

    @route("GET", "/repos/{owner}/{name}/issues/comments/{comment_id}")
    def get_comment(self, _asked: Asked, comment_id: str, **_: str) -> Reply:
        comment = self._comment(comment_id)
        self.need_for("read", self.world.items[comment.number])
        return Reply(200, self.views.comment(comment))

    @route("PATCH", "/repos/{owner}/{name}/issues/comments/{comment_id}")
    def edit_comment(self, asked: Asked, comment_id: str, **_: str) -> Reply:
        comment = self._comment(comment_id)
        token = self.need_for("write", self.world.items[comment.number])
        comment.body = _body(asked.json(), "IssueComment")
        comment.updated = self.now
        comment.edited_by.append(token.account.login)
        return Reply(200, self.views.comment(comment))

    @route("DELETE", "/repos/{owner}/{name}/issues/comments/{comment_id}")
    def delete_comment(self, _asked: Asked, comment_id: str, **_: str) -> Reply:
        comment = self._comment(comment_id)
        self.need_for("write", self.world.items[comment.number])
        self.world.comments.remove(comment)
        return Reply(204)

    # Labels

    @route("GET", "/repos/{owner}/{name}/issues/{number}/labels")
    def list_labels(self, asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        self.need_for("read", item)
        return self.page(asked, item.labels, self.views.label)

    @route("POST", "/repos/{owner}/{name}/issues/{number}/labels")
    def add_labels(self, asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        token = self.need_for("write", item)
        names = asked.json().get("labels")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise refusal(422, "Invalid request.")
        self._put(item, names, token)
        return Reply(200, [self.views.label(name) for name in item.labels])

    def _put(self, item: Item, names: list[str], token: Token) -> None:
        """Put labels on, making those that the repository does not know."""
        known = {label.lower(): label for label in self.world.labels}
        for name in names:
            if not name.strip() or len(name) > 50:
                raise invalid("Label", "name", "invalid")
            if name.lower() not in known and not token.may("write", "issues"):
                error = {"resource": "Repository", "field": "label", "code": "unauthorized"}
                message = "You do not have permission to create labels on this repository."
                raise refusal(403, message, errors=[error])
        for name in names:
            label = known.setdefault(name.lower(), name)
            self.world.labels.add(label)
            if label not in item.labels:
                item.labels.append(label)

    @route("DELETE", "/repos/{owner}/{name}/issues/{number}/labels/{label}")
    def remove_label(self, _asked: Asked, number: str, label: str, **_: str) -> Reply:
        item = self.item(number)
        self.need_for("write", item)
        for each in item.labels:
            if each.lower() == label.lower():
                item.labels.remove(each)
                return Reply(200, [self.views.label(name) for name in item.labels])
        raise refusal(404, "Label does not exist")

    # Issues

    @route("GET", "/repos/{owner}/{name}/issues")
    def list_issues(self, asked: Asked, **_: str) -> Reply:
        """List issues and, as GitHub does, pull requests; the newest first."""
        self.need("read", "issues", "pull-requests")
        query = asked.query
        wanted = {name.lower() for name in query.get("labels", "").split(",") if name}
        state, creator = query.get("state", "open"), query.get("creator", "")
        found = [
            item
            for item in self.world.items.values()
            if state in {"all", item.state}
            and wanted <= {label.lower() for label in item.labels}
            and (not creator or (item.author and item.author.login == creator))
        ]
        by = {"updated": lambda item: (item.updated, item.number)}.get(
            query.get("sort", ""), lambda item: (item.created, item.number)
        )
        found.sort(key=by, reverse=query.get("direction", "desc") == "desc")
        return self.page(asked, found, self.views.issue)

    @route("GET", "/repos/{owner}/{name}/issues/{number}")
    def get_issue(self, _asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        self.need_for("read", item)
        return Reply(200, self.views.issue(item))

    @route("POST", "/repos/{owner}/{name}/issues")
    def add_issue(self, asked: Asked, **_: str) -> Reply:
        token = self.need("write", "issues")
        sent = asked.json()
        _check_title(sent.get("title"))
        body = _body(sent, "Issue") if sent.get("body") else None
        item = Item(
            self.world.next_number(), sent["title"], body, token.account, self.now, self.now,
            by_app=token.is_app,
        )  # fmt: skip
        self._put(item, sent.get("labels") or [], token)
        self.world.add(item)
        return Reply(201, self.views.issue(item))

    @route("PATCH", "/repos/{owner}/{name}/issues/{number}")
    def edit_issue(self, asked: Asked, number: str, **_: str) -> Reply:
        item = self.item(number)
        token = self.need_for("write", item)
        sent = asked.json()
        if sent.get("state", item.state) not in {"open", "closed"}:
            raise invalid("Issue", "state", "invalid")
        if sent.get("body"):
            item.body = _body(sent, "Issue")
        if sent.get("title") is not None:
            _check_title(sent["title"])
            item.title = sent["title"]
        if "labels" in sent:
            item.labels = []
            self._put(item, sent["labels"], token)
        if sent.get("state", item.state) != item.state:
            item.state = sent["state"]
            opened = "reopened" if item.state == "open" else "completed"
            item.state_reason = sent.get("state_reason") or opened
        item.updated = self.now
        return Reply(200, self.views.issue(item))


def _check_title(title: Any) -> None:
    if not isinstance(title, str) or not title.strip():
        raise invalid("Issue", "title", "missing_field")
    if len(title) > TITLE_LIMIT:
        message = f"title is too long (maximum is {TITLE_LIMIT} characters)"
        raise invalid("Issue", "title", "custom", message)


def _body(sent: dict[str, Any], resource: str) -> str:
    body = sent.get("body")
    if not isinstance(body, str) or not body.strip():
        raise invalid(resource, "body", "missing_field")
    if len(body) > COMMENT_LIMIT:
        field, code = ("data", "unprocessable") if "Comment" in resource else ("body", "custom")
        message = f"Body is too long (maximum is {COMMENT_LIMIT} characters)"
        raise invalid(resource, field, code, message)
    return body
