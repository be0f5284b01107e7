# SPDX-License-Identifier: ISC
"""Bugs seeded into the PAM module, and login helpers."""

LOGIN_HELPER = "e2e/login_helper "

ROWS = [
    # --- who is asked about a login helper's request
    ("the subject's prompters are asked besides", "agent/events.c",
     "(answerer != EVENTS_HELPER || s->kind == EVENTS_WATCHER)))", "1))",
     LOGIN_HELPER + "LoginHelper.test_its_own_prompts"),
    ("and may answer", "agent/events.c", "	if (answerer == EVENTS_HELPER)\n		return events_of(s, &by);",
     "	if (answerer == EVENTS_HELPER && events_of(s, &by))\n		return 1;",
     LOGIN_HELPER + "LoginHelper.test_its_own_prompts"),
    ("a login helper's own process is told nothing", "agent/events.c",
     "if (events_of(s, by) || (s->of.uid == uid &&", "if ((s->of.uid == uid &&",
     LOGIN_HELPER + "LoginHelper.test_its_own_touch"),
    ("a prompt outlives the process that showed it", "agent/prompt.c",
     "(p->about.uid != uid && p->by.uid != uid)", "p->about.uid != uid",
     LOGIN_HELPER + "LoginHelper.test_nobody_there"),
    ("a prompt moves on to the subject's prompters", "agent/prompt.c",
     "	p->about.answerer = events_answerer(ps->events, about);\n", "",
     LOGIN_HELPER + "LoginHelper.test_nobody_there"),
    # --- who is where
    ("sudo over ssh makes a key blink", "agent/seat.c",
     "	is = sd_session_is_remote(session) == 0 &&", "	is = 1 &&",
     LOGIN_HELPER + "Places.test_logins"),
    ("no session is at no seat", "agent/seat.c",
     "sd_session_get_seat(session, &seat) >= 0 && strcmp(seat, SEAT_DEVICES) == 0;", "1;",
     LOGIN_HELPER + "Places.test_logins"),
    ("a greeter says where it is, and lies", "agent/seat.c",
     "	if (caller_user_slice(c, &uid) == TSR_OK)\n", "	if (0)\n",
     LOGIN_HELPER + "Places.test_logins"),
    ("any terminal is the console", "agent/seat.c",
     "if (strncmp(tty, \"tty\", 3) != 0 || tty[3] < '1' || tty[3] > '9' ||", "if (strncmp(tty, \"tty\", 3) != 0 ||",
     LOGIN_HELPER + "Places.test_logins"),
    ("any console is the one that is shown", "agent/seat.c", "is = strcmp(active, tty) == 0;", "is = 1;",
     LOGIN_HELPER + "Places.test_few_tries"),
    ("local-only forgotten in a session", "agent/grant.c",
     "if (policy_local_only(g->audience) && !seat_near(a->seat, r->caller, NULL)) {", "if (0) {",
     LOGIN_HELPER + "Places.test_other_audiences"),
    ("local-only forgotten in a refresh", "agent/grant_refresh.c",
     "(policy_local_only(f->audience) && !seat_near(a->seat, f->request->caller, NULL))", "0",
     LOGIN_HELPER + "Places.test_other_audiences"),
    # --- one source does not use up another's
    ("challenges of all sources in one heap", "agent/challenges.c",
     "both += o->uid == h->uid && strcmp(o->source, h->source) == 0;", "both += o->uid == h->uid;",
     "unit challenges"),
    ("no end of sources", "agent/challenges.c",
     "(others < CHALLENGES_OTHERS || strcmp(h->source, own) == 0);", "1;", "unit challenges"),
    ("sudo shuts the login screen", "agent/pending.c",
     "LINK_OF(l, struct pending, link)->from == from;", "1;", "e2e/lifetime Lifetime.test_login_helper_no_more"),
]
