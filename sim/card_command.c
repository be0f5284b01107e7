/*
 * card_command.c - what tessera-sim ctl tells a virtual card.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/card_device.h"
#include "sim/sim.h"
#include "tessera.h"

/* A complaint is the answer. */
static int
command_refuse(struct buf *answer, const char *text)
{
	(void)buf_put_cstr(answer, text);
	return TSR_INVALID;
}

static int
command_ins(const char *word, int *ins, struct buf *answer)
{
	if (trace_ins(word, ins) == TSR_OK)
		return TSR_OK;
	return command_refuse(answer, "an instruction is two hexadecimal digits, a name, or any");
}

/* How often: once where nothing is said. */
static int
command_times(int n, char **word, int at, long *times, struct buf *answer)
{
	*times = 1;
	if (n <= at || sim_number(word[at], 0, DEVICE_TIMES_MAX, times) == TSR_OK)
		return TSR_OK;
	return command_refuse(answer, "how many times is a number");
}

static int
command_pull(struct device *d, int n, char **word, struct buf *answer)
{
	if (n == 1) {
		device_pull(d);
		return TSR_OK;
	}
	if (command_ins(word[1], &d->pull_ins, answer) != TSR_OK)
		return TSR_INVALID;
	d->pulls = 1;
	return TSR_OK;
}

static int
command_insert(struct device *d, int n, char **word, struct buf *answer)
{
	unsigned before = d->reader.number;
	long number;
	int r;

	if (n > 1) {
		if (d->reader.pcscd == NULL)
			return command_refuse(answer, "which reader is known only with --pcscd");
		if (sim_number(word[1], 0, 255, &number) != TSR_OK)
			return command_refuse(answer, "a reader is a number");
		if (d->inserted && (unsigned)number != before)
			return command_refuse(answer, "the card is in another reader: pull it first");
		d->reader.number = (unsigned)number;
	}
	if ((r = device_insert(d)) == TSR_OK)
		return TSR_OK;
	d->reader.number = before;
	(void)buf_put_cstr(answer, r == TSR_NOT_FOUND ? "there is no such reader" :
	    r == TSR_DEVICE_BUSY ? "another card is in the reader: pull it first" :
	    "the reader is away: is its pcscd running?");
	return r;
}

static int
command_delay(struct device *d, int n, char **word, struct buf *answer)
{
	if (n != 2 || sim_number(word[1], 0, DEVICE_DELAY_MAX, &d->delay_ms) != TSR_OK)
		return command_refuse(answer, "how many milliseconds: 0 to 600000");
	return TSR_OK;
}

static int
command_mute(struct device *d, int n, char **word, struct buf *answer)
{
	if (n == 1 || strcmp(word[1], "on") == 0)
		d->mute = 1;
	else if (strcmp(word[1], "off") == 0)
		d->mute = 0;
	else
		return command_refuse(answer, "mute on, or mute off");
	return TSR_OK;
}

static int
command_status_word(struct device *d, int n, char **word, struct buf *answer)
{
	unsigned long sw;
	char *end;
	long times;
	int ins;

	if (n < 3)
		return command_refuse(answer, "which instruction, and which status word?");
	sw = strtoul(word[2], &end, 16);
	if (strlen(word[2]) != 4 || *end != '\0')
		return command_refuse(answer, "a status word is four hexadecimal digits");
	if (command_ins(word[1], &ins, answer) != TSR_OK ||
	    command_times(n, word, 3, &times, answer) != TSR_OK)
		return TSR_INVALID;
	if (fault_set(d->faults.word, ins, (int)sw, (unsigned long)times) == TSR_OK)
		return TSR_OK;
	return command_refuse(answer, "too many status words are set already");
}

static int
command_malformed(struct device *d, int n, char **word, struct buf *answer)
{
	int ins = TRACE_ANY, kind;
	long times;

	if (n < 2 || fault_kind(word[1], &kind) != TSR_OK)
		return command_refuse(answer,
		    "malformed in which way: truncated, too-long, garbage, tlv-length, empty, random?");
	if (command_times(n, word, 2, &times, answer) != TSR_OK ||
	    (n > 3 && command_ins(word[3], &ins, answer) != TSR_OK))
		return TSR_INVALID;
	if (fault_set(d->faults.malformed, ins, kind, (unsigned long)times) == TSR_OK)
		return TSR_OK;
	return command_refuse(answer, "too many malformed answers are set already");
}

static int
command_pin_tries(struct device *d, int n, char **word, struct buf *answer)
{
	struct card_tries t;

	(void)n;
	(void)word;
	card_tries(d->card, &t);
	return buf_printf(answer, "pin %u of %u, puk %u of %u", t.pin, t.pin_max, t.puk, t.puk_max);
}

static int
command_count(struct device *d, int n, char **word, struct buf *answer)
{
	int ins = TRACE_ANY;

	if (n > 1 && command_ins(word[1], &ins, answer) != TSR_OK)
		return TSR_INVALID;
	return buf_printf(answer, "%llu", (unsigned long long)trace_count(&d->trace, ins));
}

static int
command_log(struct device *d, int n, char **word, struct buf *answer)
{
	(void)n;
	(void)word;
	return trace_log(&d->trace, answer);
}

static int
command_status(struct device *d, int n, char **word, struct buf *answer)
{
	char serial[CARD_SERIAL_SIZE];

	(void)n;
	(void)word;
	card_serial(d->card, serial);
	return buf_printf(answer, "%s reader %u serial %s delay %ld mute %s commands %llu malformed %lu",
	    !d->inserted ? "pulled" : d->vpcd.fd == -1 ? "reader-away" : "inserted", d->reader.number,
	    serial[0] != '\0' ? serial : "-", d->delay_ms, d->mute ? "on" : "off",
	    (unsigned long long)d->trace.total, d->faults.changed);
}

static int
command_quit(struct device *d, int n, char **word, struct buf *answer)
{
	(void)n;
	(void)word;
	(void)answer;
	d->quit = 1;
	return TSR_OK;
}

/* Who was killed while he waited makes room. */
static void
command_forget(struct device *d)
{
	size_t i;

	for (i = 0; i < TRACE_WAITERS; i++)
		if (!control_asked(d->control, d->trace.waiter[i].ticket))
			d->trace.waiter[i].ticket = 0;
}

static int
command_wait(struct device *d, int n, char **word, uint64_t ticket, struct buf *answer)
{
	uint64_t at;
	long count;
	int ins;

	if (n < 2)
		return command_refuse(answer, "for which instruction?");
	if (command_ins(word[1], &ins, answer) != TSR_OK)
		return TSR_INVALID;
	at = trace_count(&d->trace, ins) + 1;
	if (n > 2) {
		if (sim_number(word[2], 0, DEVICE_TIMES_MAX, &count) != TSR_OK)
			return command_refuse(answer, "which count is a number");
		if ((uint64_t)count < at)
			return TSR_OK;		/* has been */
		at = (uint64_t)count;
	}
	command_forget(d);
	if (trace_wait(&d->trace, ticket, ins, at) == TSR_OK)
		return CONTROL_LATER;
	return command_refuse(answer, "too many wait already");
}

static const struct {
	const char *name;
	int most;		/* words */
	int (*run)(struct device *, int, char **, struct buf *);
} commands[] = {
	{ "pull", 2, command_pull },
	{ "insert", 2, command_insert },
	{ "delay", 2, command_delay },
	{ "mute", 2, command_mute },
	{ "status-word", 4, command_status_word },
	{ "malformed", 4, command_malformed },
	{ "pin-tries", 1, command_pin_tries },
	{ "count", 2, command_count },
	{ "log", 1, command_log },
	{ "status", 1, command_status },
	{ "quit", 1, command_quit },
};

int
device_command(void *arg, int n, char **word, uint64_t ticket, struct buf *answer)
{
	struct device *d = arg;
	size_t i;

	if (strcmp(word[0], "wait-for-apdu") == 0 && n <= 3)
		return command_wait(d, n, word, ticket, answer);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, word[0]) != 0)
			continue;
		if (n > commands[i].most)
			return command_refuse(answer, "too many words");
		return commands[i].run(d, n, word, answer);
	}
	(void)buf_put_cstr(answer, "a card knows");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		(void)buf_printf(answer, " %s,", commands[i].name);
	(void)buf_put_cstr(answer, " wait-for-apdu");
	return TSR_INVALID;
}
