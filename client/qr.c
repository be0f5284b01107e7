/*
 * qr.c - see qr.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/qr.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/output.h"
#include "tessera.h"

#define QR_TEXT_MAX	(64 * 1024)	/* bytes of a drawn code */
#define QR_BESIDE	6		/* lines of the terminal that are for the text beside it */

/* Is the module dark?  The margin is light. */
static int
qr_dark(const QRcode *q, int x, int y)
{
	if (x < 0 || y < 0 || x >= q->width || y >= q->width)
		return 0;
	return q->data[y * q->width + x] & 1;
}

/* The character for an upper and a lower module. */
static const char *
qr_block(int upper, int lower)
{
	if (upper && lower)
		return "\u2588";
	return upper ? "\u2580" : lower ? "\u2584" : " ";
}

static int
qr_line(struct buf *out, const QRcode *q, int y, int colour)
{
	int x, upper, lower, r;

	if (colour && (r = buf_put_cstr(out, "\033[30;107m")) != TSR_OK)
		return r;
	for (x = -QR_QUIET; x < q->width + QR_QUIET; x++) {
		upper = qr_dark(q, x, y);
		lower = qr_dark(q, x, y + 1);
		if ((r = buf_put_cstr(out, colour ? qr_block(upper, lower) :
		    qr_block(!upper, !lower))) != TSR_OK)
			return r;
	}
	return buf_put_cstr(out, colour ? "\033[0m\n" : "\n");
}

int
qr_put(struct buf *out, const char *text, unsigned columns, unsigned lines, int colour)
{
	QRcode *q;
	unsigned side;
	int y, r = TSR_OK;

	if ((q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L)) == NULL)
		return errno == ENOMEM ? TSR_NOMEM : TSR_TOO_LARGE;
	side = (unsigned)q->width + 2 * QR_QUIET;
	if (side > columns || (side + 1) / 2 > lines)
		r = TSR_TOO_LARGE;
	for (y = -QR_QUIET; y < q->width + QR_QUIET && r == TSR_OK; y += 2)
		r = qr_line(out, q, y, colour);
	QRcode_free(q);
	return r;
}

static int
qr_locale(void)
{
	const char *v = getenv("LC_ALL");

	if (v == NULL || *v == '\0')
		v = getenv("LC_CTYPE");
	if (v == NULL || *v == '\0')
		v = getenv("LANG");
	return v != NULL && (strcasestr(v, "utf-8") != NULL || strcasestr(v, "utf8") != NULL);
}

int
qr_show(const char *text)
{
	struct winsize size;
	struct buf out;
	int shown = 0;

	if (!isatty(STDOUT_FILENO) || !qr_locale() ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_row <= QR_BESIDE)
		return 0;
	buf_init(&out, QR_TEXT_MAX);
	if (qr_put(&out, text, size.ws_col, size.ws_row - QR_BESIDE,
	    output_colour(STDOUT_FILENO, OUTPUT_BOLD)[0] != '\0') == TSR_OK)
		shown = fwrite(out.data, 1, out.len, stdout) == out.len;
	buf_free(&out);
	return shown;
}
