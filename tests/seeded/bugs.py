"""Mistakes that the tests must find: each a replacement in one file, and the test that fails."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bug:
    """One wrong line, or a few."""

    name: str
    """What the product would do wrong."""
    file: str
    """Below `reconciler`."""
    old: str
    """Stands there exactly once."""
    new: str
    test: str
    """Below `tests`, as pytest names it, without parameters."""


GUARDS = (
    Bug(
        "one scope more than max_revokes may be lost",
        "planning/limits.py",
        "    if lost > limit:\n",
        "    if lost > limit + 1:\n",
        "planning/test_guards.py::test_at_most_max_revokes_scopes_are_lost",
    ),
    Bug(
        "a plan that reaches max_revokes is refused",
        "planning/limits.py",
        "    if lost > limit:\n",
        "    if lost >= limit:\n",
        "planning/test_guard_tables.py::test_max_revokes_for_every_fleet",
    ),
    Bug(
        "a share is rounded up",
        "planning/limits.py",
        "math.floor(fraction",
        "math.ceil(fraction",
        "planning/test_guards.py::test_a_scope_loses_at_most_its_share_and_always_one",
    ),
    Bug(
        "a share is computed with binary floats",
        "planning/limits.py",
        "Fraction(str(value))",
        "value",
        "planning/test_guards.py::test_a_share_is_the_decimal_number_that_is_written",
    ),
    Bug(
        "earlier runs do not count towards the rolling budget",
        "planning/limits.py",
        "past + lost > limit",
        "lost > limit",
        "planning/test_budgets.py::test_all_runs_together_take_no_more_than_the_rolling_budget",
    ),
    Bug(
        "additive_only overlooks the end given to a standing grant",
        "planning/limits.py",
        "    if not taking and not ending:\n",
        "    if not taking:\n",
        "planning/test_budgets.py::test_giving_a_standing_grant_an_end_is_taking_it_away",
    ),
    Bug(
        "one admin fewer than min_admins is enough",
        "planning/admins.py",
        "each.lost and len(each.kept) < floor",
        "each.lost and len(each.kept) < floor - 1",
        "planning/test_guards.py::test_a_scope_keeps_min_admins",
    ),
    Bug(
        "the admin floor counts admins whom the plan itself makes",
        "planning/admins.py",
        "kept = [one for one in had if one.id in left and",
        "kept = [one for one in after.reaching(scope) if",
        "planning/test_guards.py::test_an_admin_whom_the_plan_itself_makes_does_not_count_yet",
    ),
    Bug(
        "an admin whose second factor is missing counts as able to log in",
        "console/wire.py",
        "can_log_in=is_user and _can_log_in(record),",
        "can_log_in=is_user,",
        "console/test_wire.py::test_who_can_log_in",
    ),
    Bug(
        "the admin floor counts admins of a window",
        "planning/admins.py",
        "judged.holders, passing | judged.forgiven)",
        "judged.holders)",
        "planning/test_guards.py::test_closing_an_admins_window_does_not_count_against_the_floor",
    ),
    Bug(
        "a standing admin who is given an end is not lost",
        "planning/admins.py",
        "projected, judged.windowed)",
        "projected)",
        "planning/test_guards.py::test_giving_a_standing_admin_an_end_counts_as_losing_the_admin",
    ),
    Bug(
        "protected principals are forgotten",
        "planning/guards.py",
        "    protected,\n    own_identity,\n",
        "    own_identity,\n",
        "planning/test_guards.py::test_nothing_of_a_protected_principal_is_removed",
    ),
    Bug(
        "the identity of the token loses rights in the middle of a run",
        "domain/state.py",
        "return is_synthetic and name.kind",
        "return not is_synthetic and name.kind",
        "planning/test_guards.py::test_the_tools_own_identity_loses_nothing",
    ),
    Bug(
        "an override lasts for ever",
        "planning/judged.py",
        "override.rule == rule and self.instant < override.until",
        "override.rule == rule",
        "planning/test_guards.py::test_an_override_lifts_one_limit_until_its_date",
    ),
    Bug(
        "an override lifts every limit",
        "planning/judged.py",
        "override.rule == rule and self.instant < override.until",
        "self.instant < override.until",
        "planning/test_guards.py::test_an_override_of_one_limit_leaves_the_others",
    ),
    Bug(
        "a window invented to have closed long ago forgives a revoke",
        "planning/before.py",
        "return (triple, window) in self.windows and",
        "return",
        "planning/test_guards.py::test_a_window_invented_to_have_closed_long_ago_forgives_nothing",
    ),
    Bug(
        "a privileged role is held one hour longer than its rule says",
        "planning/duties.py",
        "end - start > rule.max_duration",
        "end - start > rule.max_duration + HOUR",
        "planning/test_guards.py::test_a_privileged_role_is_held_no_longer_than_its_rule_says",
    ),
    Bug(
        "any one role of a separation rule is too much",
        "planning/duties.py",
        "if all(ids & after for ids in apart) and",
        "if any(ids & after for ids in apart) and",
        "planning/test_guards.py::test_one_role_of_those_that_must_be_apart_is_no_harm",
    ),
    Bug(
        "a token that sees fewer sites than pinned may revoke",
        "planning/shrunk.py",
        "if len(seen) < count:",
        "if len(seen) < count and what == 'accounts':",
        "planning/test_pinned.py::test_nothing_is_taken_away_while_the_token_sees_less_than_pinned",
    ),
)

COMPARISON = (
    Bug(
        "a precondition overlooks the roles",
        "planning/compare.py",
        "sorted([scope_id, role_id] for",
        "sorted([scope_id] for",
        "planning/test_compare.py::test_a_precondition_notices_another_role_on_the_same_scope",
    ),
    Bug(
        "unlisted: revoke reaches service users",
        "planning/resolve.py",
        "return is_user and not principal.is_external and",
        "return not principal.is_external and",
        "planning/test_compare.py::"
        "test_unlisted_revoke_reaches_neither_service_users_nor_users_of_an_identity_provider",
    ),
    Bug(
        "--no-revokes revokes",
        "planning/compare.py",
        "    kept = held | frozenset(fits)\n",
        "    kept = wanted | frozenset(fits)\n",
        "planning/test_compare.py::test_no_revokes_grants_on_free_scopes_and_keeps_everything_else",
    ),
    Bug(
        "a list with two roles on one scope is written",
        "planning/compare.py",
        "if len({grant.scope for grant in wanted}) < len(wanted):",
        "if not wanted and held == wanted:",
        "planning/test_compare.py::test_a_list_with_two_roles_on_one_scope_is_never_written",
    ),
    Bug(
        "revokes come before grants",
        "planning/order.py",
        "    if not operation.revokes:\n        return 0\n",
        "    if not operation.revokes:\n        return 4\n",
        "planning/test_compare.py::"
        "test_operations_that_only_grant_come_first_and_those_that_only_revoke_last",
    ),
    Bug(
        "a window opens after its start",
        "domain/policy.py",
        "self.start <= instant",
        "self.start < instant",
        "planning/test_windows.py::test_a_window_is_open_from_its_start_until_just_before_its_end",
    ),
    Bug(
        "a window is open at its end",
        "domain/policy.py",
        "self.end <= instant",
        "self.end < instant",
        "planning/test_windows.py::test_a_window_is_open_from_its_start_until_just_before_its_end",
    ),
    Bug(
        "windows that only meet are taken for two at once",
        "domain/policy.py",
        "one.end <= two.start",
        "one.end < two.start",
        "domain/test_scopes_and_windows.py::test_windows_are_half_open",
    ),
    Bug(
        "addresses are compared with their capitals",
        "domain/names.py",
        "local.casefold()",
        "local",
        "planning/test_compare.py::test_spelling_an_address_with_capitals_is_no_difference",
    ),
    Bug(
        "access is inherited upwards",
        "planning/admins.py",
        "g.scope.covers(scope)",
        "scope.covers(g.scope)",
        "planning/test_guards.py::test_admins_above_count_for_the_scopes_below",
    ),
)

PINS = (
    Bug(
        "an address that was given away keeps its access",
        "planning/identities.py",
        "any(one.id == pin.id for one in found)",
        "found",
        "planning/test_pinned.py::test_an_address_that_belongs_to_somebody_else_is_granted_nothing",
    ),
    Bug(
        "pins are ignored for roles",
        "planning/pinned.py",
        "if not known or len(assignable) > 1:",
        "if not known or assignable:",
        "planning/test_pinned.py::test_a_role_name_that_was_given_to_another_role_is_a_problem",
    ),
    Bug(
        "pins are ignored for sites",
        "planning/pinned.py",
        "if any(one.id == pin.id for one in usable):",
        "if usable:",
        "planning/test_pinned.py::test_a_site_name_that_was_given_to_another_site_is_a_problem",
    ),
    Bug(
        "a role that was turned into an admin's goes unseen",
        "planning/rolepins.py",
        "role.id in known and known[role.id].digest != pin.digest",
        "role.id in known and not known[role.id].digest",
        "planning/test_pinned.py::"
        "test_a_role_that_permits_more_is_shown_with_everybody_who_holds_it",
    ),
    Bug(
        "pins of another console are believed",
        "planning/pinned.py",
        "if pins is not None and pins.origin != origin:",
        "if pins is not None and not origin:",
        "planning/test_pinned.py::"
        "test_pins_of_another_console_stop_everything_before_it_is_planned",
    ),
)

BINDING = (
    Bug(
        "a saved plan never grows old",
        "workflow/binding.py",
        "now - saved.instant > MAX_AGE:",
        "saved.instant - now > MAX_AGE:",
        "workflow/test_binding.py::test_a_plan_is_neither_older_than_a_day_nor_from_the_future",
    ),
    Bug(
        "guardrails may change after the review",
        "workflow/binding.py",
        "saved.guardrails_digest, recomputed.guardrails_digest",
        "saved.guardrails_digest, saved.guardrails_digest",
        "stories/test_saved_plans.py::test_guardrails_that_changed_refuse",
    ),
    Bug(
        "a plan is applied to another console",
        "workflow/binding.py",
        "    if saved.origin != origin:\n",
        "    if not saved.origin:\n",
        "stories/test_saved_plans.py::test_another_console_refuses_before_anything_is_asked",
    ),
    Bug(
        "an edited plan passes for the reviewed one",
        "cli/writing/reviewed.py",
        "    if decided_part(tree, derived=derived) != decided_part(file, derived=derived):\n",
        "    if not file:\n",
        "stories/test_tampered_plans.py::test_no_edited_field_changes_what_is_written",
    ),
    Bug(
        "the part of a plan that is left is not judged anew",
        "cli/writing/reviewed.py",
        "make_plan(untargeted, actual, now, only=kept)",
        "replace(make_plan(untargeted, actual, now, only=kept), refusals=())",
        "stories/test_only_planned.py::test_the_part_is_judged_anew_by_the_guardrails_of_now",
    ),
    Bug(
        "a snapshot of any age will do",
        "workflow/snapshot.py",
        "if now - taken_at > max_age:",
        "if taken_at - now > max_age:",
        "stories/test_snapshot_plans.py::test_only_a_fresh_snapshot_is_planned_from",
    ),
)

READING = (
    Bug(
        "the total of a listing is ignored",
        "console/listing.py",
        "    if len(reading.records) != reading.total:\n",
        "    if len(reading.records) > (reading.total or 0):\n",
        "console/test_listing.py::test_what_does_not_add_up_is_read_three_times_and_then_refused",
    ),
    Bug(
        "half a listing makes a plan",
        "console/listing.py",
        "    if len(reading.records) != reading.total:\n",
        "    if len(reading.records) > (reading.total or 0):\n",
        "stories/test_faults_while_reading.py::"
        "test_nothing_is_planned_and_nothing_written_on_an_incomplete_read",
    ),
    Bug(
        "a record that comes twice is taken",
        "console/listing.py",
        "if identity in self.records:",
        "if identity in self.cursors:",
        "console/test_listing.py::test_what_does_not_add_up_is_read_three_times_and_then_refused",
    ),
    Bug(
        "redirects are followed",
        "console/transport.py",
        "follow_redirects=False",
        "follow_redirects=True",
        "console/test_transport.py::test_a_redirect_is_not_followed",
    ),
    Bug(
        "any certificate gets the token",
        "console/transport.py",
        "    context.minimum_version = ssl.TLSVersion.TLSv1_2\n",
        "    context.check_hostname = False\n    context.verify_mode = ssl.CERT_NONE\n",
        "console/test_transport.py::test_only_a_trusted_certificate_gets_the_token",
    ),
    Bug(
        "a principal above the token is taken for one seen whole",
        "planning/people.py",
        "if principal.is_partial:",
        "if principal.is_partial and principal.is_system:",
        "planning/test_names.py::"
        "test_somebody_partly_out_of_view_cannot_be_named_not_even_as_former",
    ),
    Bug(
        "a bomb is unpacked",
        "console/transport.py",
        "            if len(body) > MAX_BODY_BYTES or unpacker.unconsumed_tail:\n",
        "            if unpacker is None:\n",
        "console/test_transport.py::test_a_bomb_is_refused_in_little_memory",
    ),
)

REDACTION = (
    Bug(
        "passwords are kept",
        "console/redact.py",
        '"passw", ',
        "",
        "console/test_redact.py::test_a_key_that_looks_secret_is_left_out_at_any_depth",
    ),
    Bug(
        "keys are compared with their capitals",
        "console/redact.py",
        "for char in key.casefold() if",
        "for char in key if",
        "console/test_redact.py::test_a_key_that_looks_secret_is_left_out_at_any_depth",
    ),
    Bug(
        "tokens in texts are kept",
        "console/redact.py",
        "_SECRET_TEXT.sub(HIDDEN, value) if",
        "value if",
        "console/test_redact.py::test_a_text_in_the_form_of_a_token_is_hidden_wherever_it_stands",
    ),
    Bug(
        "lists are not looked into",
        "console/redact.py",
        "return [redacted(each) for each in value]",
        "return value",
        "console/test_redact.py::test_a_key_that_looks_secret_is_left_out_at_any_depth",
    ),
)

RENDERING = (
    Bug(
        "a backtick ends a code span of the Markdown",
        "rendering/markdown.py",
        'fence = "`" * (max(',
        'fence = "`" * (0 * max(',
        "rendering/test_as_markdown.py::test_a_code_span_holds_a_value_wherever_it_stands",
    ),
    Bug(
        "a bar ends a cell of the Markdown",
        "rendering/markdown.py",
        "cell.replace('|', chr(92) + '|')",
        "cell",
        "rendering/test_as_markdown.py::test_a_hostile_name_changes_nothing_but_code_spans",
    ),
    Bug(
        "markup of a name is markup of the page",
        "rendering/markup.py",
        "Html(escape(visible(value)))",
        "Html(visible(value))",
        "rendering/test_as_html.py::test_markup_in_a_name_is_only_ever_text",
    ),
    Bug(
        "a spreadsheet computes a name",
        "rendering/as_csv.py",
        'return "\'" + shown if shown.lstrip().startswith(_FORMULA) else shown',
        "return shown",
        "rendering/test_as_csv.py::test_what_a_spreadsheet_would_compute_is_text",
    ),
    Bug(
        "a terminal obeys a name",
        "rendering/safe.py",
        'return char.encode("unicode_escape").decode("ascii")',
        "return char",
        "rendering/test_safe.py::test_nothing_printed_is_obeyed_by_a_terminal_or_a_runner",
    ),
    Bug(
        "a CI runner obeys a name",
        "rendering/safe.py",
        '    if body.startswith(":"):\n',
        '    if body.startswith("::::"):\n',
        "rendering/test_safe.py::test_nothing_printed_is_obeyed_by_a_terminal_or_a_runner",
    ),
)

WRITING = (
    Bug(
        "the precondition is not checked before a write",
        "workflow/execute.py",
        "    if precondition(seen) != operation.precondition:\n",
        "    if not operation.precondition:\n",
        "stories/test_races.py::"
        "test_a_change_by_somebody_else_is_kept_or_reported_wherever_it_falls",
    ),
    Bug(
        "the journal hears of a write after the console",
        "workflow/execute.py",
        '    around.journal.append("intent", events.intent(operation))\n'
        "    step = end_token(operation, seen, around.console, around.journal)\n"
        "    if operation.kind is OperationKind.REVOKE_TOKEN:\n"
        "        return _only_token(operation, step)\n"
        "    return _write_after(step, operation, around) if step else _write(operation, around)\n",
        "    outcome = _write(operation, around)\n"
        '    around.journal.append("intent", events.intent(operation))\n'
        "    return outcome\n",
        "stories/test_journal_first.py::test_the_journal_holds_the_intent_when_the_write_arrives",
    ),
    Bug(
        "a record is not on disk when its write begins",
        "audit/journal.py",
        '            _write_all(self._descriptor, line + b"\\n")\n'
        "            os.fsync(self._descriptor)\n",
        '            _write_all(self._descriptor, line + b"\\n")\n',
        "audit/test_journal.py::test_a_record_is_on_the_disk_when_append_returns",
    ),
    Bug(
        "a write whose answer was lost is sent again at once",
        "console/client.py",
        "            except (NoAnswerError, BrokenConsoleError, NotUnderstoodError) as error:\n"
        "                raise lost(error, call) from None\n\n"
        "        return self._retries.call(attempt, HARMLESS)\n",
        "            except NotUnderstoodError as error:\n"
        "                raise lost(error, call) from None\n\n"
        "        return self._retries.call(attempt, READABLE)\n",
        "console/test_client.py::test_a_write_whose_connection_breaks_is_lost",
    ),
    Bug(
        "a lost answer is taken for a write that did not happen",
        "workflow/execute.py",
        "            outcome = _look(operation, around, error)\n",
        "            outcome = None\n",
        "stories/test_faults_while_writing.py::"
        "test_a_lost_answer_after_the_effect_is_applied_and_confirmed_by_reading",
    ),
    Bug(
        "what somebody else did at the same moment is ours",
        "workflow/execute.py",
        "_done(operation, seen) if is_lost else _done_by_whom(operation)",
        "_done(operation, seen)",
        "stories/test_whose_work.py::test_an_invitation_by_somebody_else_is_not_ours",
    ),
    Bug(
        "whoever has the name is the service user that was made",
        "workflow/service_users.py",
        "        found = [one for one in seen if is_done(operation, one)]\n",
        "        found = list(seen)[:1]\n",
        "stories/test_whose_work.py::"
        "test_of_two_service_users_of_one_name_ours_is_the_one_that_holds_what_was_asked_for",
    ),
    Bug(
        "a run goes on after the console refused the token",
        "workflow/apply.py",
        "        except DeniedError as error:\n            self._stop(_DENIED)\n",
        "        except DeniedError as error:\n",
        "stories/test_faults_while_writing.py::"
        "test_a_refused_token_in_the_middle_stops_the_run_at_once",
    ),
    Bug(
        "a run goes on after three failures in a row",
        "workflow/apply.py",
        "self._failures >= STOP_AFTER",
        "self._failures > STOP_AFTER",
        "stories/test_faults_while_writing.py::test_three_failures_in_a_row_stop_the_run",
    ),
    Bug(
        "a wait that the console asks for is not kept",
        "console/retry.py",
        "            if asked is not None:\n",
        "            if asked is None:\n",
        "console/test_client.py::test_a_wait_asked_for_is_honoured_up_to_two_minutes",
    ),
    Bug(
        "the console's yes is believed whatever it shows",
        "workflow/execute.py",
        "        and frozenset(seen.grants) == frozenset(operation.after.grants)\n",
        "",
        "stories/test_faults_while_writing.py::"
        "test_a_yes_that_a_reading_after_the_run_does_not_show_is_unknown",
    ),
)

LEAVING = (
    Bug(
        "who is parked already keeps the API token",
        "planning/compare.py",
        "        return _token_alone(desired, actual, rules, notes)\n",
        "        return Comparison(notes=notes)\n",
        "planning/test_leavers_tokens.py::"
        "test_who_is_parked_already_and_has_a_token_loses_that_alone",
    ),
    Bug(
        "whoever is parked keeps the API token",
        "planning/compare.py",
        "            revokes_token=is_ending and actual.kind is PrincipalKind.USER,\n",
        "            revokes_token=after is None and actual.kind is PrincipalKind.USER,\n",
        "planning/test_leavers_tokens.py::"
        "test_who_is_parked_or_deleted_loses_a_token_whether_or_not_it_is_seen",
    ),
    Bug(
        "a revocation that cannot be recorded is not told",
        "workflow/tokens.py",
        "        raise UnrecordedStepError(_alone(operation, step), error) from error\n",
        "        raise\n",
        "stories/test_tokens_end.py::"
        "test_a_disk_full_after_the_revocation_is_told_with_what_happened",
    ),
    Bug(
        "a token that was revoked is forgotten when the rest fails",
        "workflow/execute.py",
        "_write_after(step, operation, around) if step else _write(operation, around)",
        "_write(operation, around)",
        "stories/test_tokens_told.py::"
        "test_a_write_that_is_refused_after_the_revocation_tells_of_the_token",
    ),
    Bug(
        "an undo gives access back to somebody who has left",
        "planning/undo.py",
        "            return _FORMER\n",
        "            return None\n",
        "stories/test_undo_limits.py::test_who_must_hold_nothing_gets_nothing_back_and_is_named",
    ),
    Bug(
        "an undo gives for good what was for a time",
        "planning/undo.py",
        "        return grant not in principal.grants and (is_past or is_closed)\n",
        "        return grant not in principal.grants and (is_past and is_closed)\n",
        "stories/test_undo_limits.py::"
        "test_a_journal_that_tells_no_ends_still_tells_that_a_window_closed",
    ),
    Bug(
        "the token in use is renewed unasked",
        "planning/service_users.py",
        "    if is_own and not renewal.is_own:\n",
        "    if is_own and renewal.is_own:\n",
        "stories/test_service_users_by_hand.py::test_the_token_in_use_is_not_renewed_unawares",
    ),
    Bug(
        "the file for a token has no room in it",
        "documents/secret_file.py",
        "        _write(self._descriptor, _RESERVED)\n",
        "",
        "documents/test_secret_file.py::test_without_room_there_is_no_file",
    ),
)

IN_CI = (
    Bug(
        "whom a merge leaves is not on record, so the clock takes them for settled",
        "cli/writing/apply.py",
        "events.decided(now, left)",
        "events.decided(now, {})",
        "stories/test_clock_settles.py::"
        "test_a_merge_that_was_planned_before_a_window_ended_does_not_settle_its_end",
    ),
    Bug(
        "a run that wrote nothing settles everybody",
        "audit/reviews.py",
        "if run.is_undo or not run.is_told or",
        "if run.is_undo or",
        "stories/test_clock_settles.py::test_a_run_that_a_required_sink_stopped_settles_nothing",
    ),
    Bug(
        "windows are settled as of the record, not of the decision",
        "audit/reviews.py",
        '_instant(data.get("decided")) or ',
        "",
        "stories/test_clock_settles.py::"
        "test_an_end_between_the_decision_and_its_record_is_waited_for",
    ),
    Bug(
        "an old record that is added again counts as the newest",
        "audit/reviews.py",
        "max(run.decided, found.instant) if found else run.decided",
        "run.decided",
        "stories/test_journal_forged.py::"
        "test_an_old_record_that_is_added_again_brings_back_nothing_that_was_taken_away",
    ),
    Bug(
        "the clock opens what the newest commit cancels",
        "cli/commands/ci/bases.py",
        "{one.name for one in opening if _opened(one) <= agreed}",
        "{one.name for one in opening}",
        "stories/test_clock_settles.py::"
        "test_a_window_that_the_newest_commit_cancels_is_not_opened_though_nobody_could_apply_that",
    ),
    Bug(
        "an opening that is refused holds every end up",
        "cli/commands/ci/bases.py",
        "        if alone.is_empty or alone.refusals:\n",
        "        if alone.operations or alone.is_empty:\n",
        "stories/test_clock_settles.py::test_an_opening_that_is_refused_holds_no_end_up",
    ),
    Bug(
        "the journal's word for a run suffices",
        "ci/genuine.py",
        "    return run.is_success and run.head == recorded.commit\n",
        "    return bool(run.head)\n",
        "stories/test_journal_forged.py::"
        "test_a_merge_that_was_refused_is_not_applied_for_the_record_says_it_was",
    ),
    Bug(
        "a journal that was rewritten passes for one that grew",
        "ci/carrier.py",
        "            if blob != _blob_id(self._fetched[:size]):\n",
        "            if not blob:\n",
        "stories/test_journal_forged.py::"
        "test_a_journal_that_was_rewritten_is_found_however_many_pushes_later",
    ),
    Bug(
        "the clock goes on from a merge whose predecessor nobody applied",
        "audit/reviews.py",
        'is_gapless = not run.review.get("skipped")',
        "is_gapless = bool(run.review)",
        "stories/test_journal_forged.py::"
        "test_a_merge_after_one_that_was_refused_is_applied_and_its_windows_wait_for_a_person",
    ),
    Bug(
        "an approval of an earlier plan counts for this one",
        "ci/reviewed.py",
        "max(known) < comment.updated",
        "max(known) > comment.updated",
        "stories/test_merges_in_turn.py::"
        "test_who_approved_before_the_plan_said_so_has_not_approved_it",
    ),
    Bug(
        "a window that no plan showed is merged all the same",
        "cli/commands/ci/bases.py",
        "        if unseen:\n",
        "        if not shown and unseen:\n",
        "stories/test_merges_in_turn.py::"
        "test_a_window_that_two_requests_make_together_is_in_no_plan_and_is_refused",
    ),
)

BUGS = (
    *GUARDS, *COMPARISON, *PINS, *BINDING, *READING, *REDACTION, *RENDERING, *WRITING,
    *LEAVING, *IN_CI,
)  # fmt: skip
