/*
 * config_text.c - the characters of a configuration file, before libconfuse
 * sees them.
 *
 * libconfuse drops characters that it does not know, ends a value at \0, reads
 * environment variables, lets "a|b" reach into other sections, and counts a
 * line too many for each comment in slashes and stars.  All of that is refused
 * or blanked out here.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "tessera.h"

#include "base/config_internal.h"
#include "base/escape.h"

#define SHOWN_MAX	64	/* bytes of a value in a complaint */

/* What came before, as far as it decides what may follow. */
enum seen { SEEN_NONE, SEEN_KEY, SEEN_VALUE, SEEN_EQUAL, SEEN_LIST };

struct scan {
	struct config_parse *p;
	struct config_source *source;
	char *at;
	unsigned line;
	unsigned depth;		/* of sections */
	unsigned sections;
	enum seen seen;
	unsigned open_line;	/* of the latest brace */
	int in_list;
};

static const char no_environment[] = "environment variables are not read:"
    " write the value itself, or a backslash before the $ in a string";

static const char word_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "0123456789_.:/@%-";

/* Overwrite a comment; a newline that ends it stays. */
static int
scan_comment(struct scan *s)
{
	unsigned begun = s->line;

	if (s->at[0] == '#' || s->at[1] == '/') {
		while (*s->at != '\0' && *s->at != '\n')
			*s->at++ = ' ';
		return TSR_OK;
	}
	memset(s->at, ' ', 2);
	for (s->at += 2; s->at[0] != '*' || s->at[1] != '/'; s->at++) {
		if (*s->at == '\0')
			return config_complain(s->p, s->source, begun,
			    "a comment that begins here has no end: add \"*/\"");
		if (*s->at == '\n')
			s->line++;
		else
			*s->at = ' ';
	}
	memset(s->at, ' ', 2);
	s->at += 2;
	return TSR_OK;
}

/* One character of a string, or a backslash and its character. */
static int
scan_string_char(struct scan *s, char quote)
{
	if (quote == '"' && s->at[0] == '$' && s->at[1] == '{')
		return config_complain(s->p, s->source, s->line, "%s", no_environment);
	if (s->at[0] != '\\') {
		s->at++;
		return TSR_OK;
	}
	if (quote == '"' ? s->at[1] == '\0' || strchr("\"\\$", s->at[1]) == NULL :
	    s->at[1] == '\n')
		return config_complain(s->p, s->source, s->line,
		    "a backslash in a string stands before a double quote, a $ or another backslash: double it if you mean one");
	s->at += s->at[1] == '\0' ? 1 : 2;
	return TSR_OK;
}

/* Complain of the string begin[0..n), which is not text. */
static int
scan_refuse_text(struct scan *s, const char *begin, size_t n)
{
	char shown[SHOWN_MAX];

	return config_complain(s->p, s->source, s->line,
	    "\"%s\" has a control character or is not UTF-8: write plain text",
	    escape_text(shown, sizeof(shown), begin, n));
}

static int
scan_string(struct scan *s)
{
	char quote = *s->at, *begin;
	size_t n;
	int r;

	if (s->seen == SEEN_NONE || s->seen == SEEN_VALUE)
		return config_complain(s->p, s->source, s->line,
		    "a string stands where a key should: write KEY = \"value\", or a comma between the entries of a list");
	for (begin = ++s->at; *s->at != quote;) {
		if (*s->at == '\0' || *s->at == '\n')
			return config_complain(s->p, s->source, s->line,
			    "a string has no end: add %c on the same line", quote);
		if ((r = scan_string_char(s, quote)) != TSR_OK)
			return r;
	}
	n = (size_t)(s->at - begin);
	if (n > CONFIG_VALUE_MAX)
		return config_complain(s->p, s->source, s->line,
		    "a string is longer than %d bytes: shorten it", CONFIG_VALUE_MAX);
	if (!escape_is_text(begin, n))
		return scan_refuse_text(s, begin, n);
	s->at++;
	s->seen = SEEN_VALUE;
	return TSR_OK;
}

static int
scan_word(struct scan *s)
{
	size_t n, i;
	int shown;

	n = strspn(s->at, word_chars);
	shown = (int)(n < SHOWN_MAX ? n : SHOWN_MAX);
	if (n > CONFIG_VALUE_MAX)
		return config_complain(s->p, s->source, s->line,
		    "a word is longer than %d bytes: shorten it", CONFIG_VALUE_MAX);
	for (i = 0; i < n; i++)
		if (s->at[i] == '/' && (s->at[i + 1] == '/' || s->at[i + 1] == '*'))
			return config_complain(s->p, s->source, s->line,
			    "a comment may begin in \"%.*s\": put the value between quotes", shown, s->at);
	if (s->at[n] != '\0' && strchr(" \t\n={}+,#", s->at[n]) == NULL)
		return config_complain(s->p, s->source, s->line,
		    "unexpected character after \"%.*s\": put values between quotes", shown, s->at);
	s->seen = s->seen == SEEN_NONE || s->seen == SEEN_VALUE ? SEEN_KEY : SEEN_VALUE;
	s->at += n;
	return TSR_OK;
}

static int
scan_open(struct scan *s)
{
	s->at++;
	s->open_line = s->line;
	if (s->seen == SEEN_EQUAL) {
		s->in_list = 1;
		s->seen = SEEN_LIST;
		return TSR_OK;
	}
	s->depth++;
	s->seen = SEEN_NONE;
	if (++s->sections > CONFIG_SECTIONS_MAX)
		return config_complain(s->p, s->source, s->line,
		    "more than %d sections: take some away", CONFIG_SECTIONS_MAX);
	return TSR_OK;
}

static int
scan_close(struct scan *s)
{
	s->at++;
	if (s->in_list) {
		if (s->seen == SEEN_LIST)
			return config_complain(s->p, s->source, s->line,
			    "a list is empty: write an entry, or remove the key");
		s->in_list = 0;
		s->seen = SEEN_VALUE;
		return TSR_OK;
	}
	if (s->depth == 0)
		return config_complain(s->p, s->source, s->line,
		    "\"}\" closes nothing: remove it, or add the \"{\" that it should close");
	s->depth--;
	s->seen = SEEN_NONE;
	return TSR_OK;
}

static int
scan_other(struct scan *s)
{
	if (s->at[0] == '$' && s->at[1] == '{')
		return config_complain(s->p, s->source, s->line, "%s", no_environment);
	if (s->at[0] == '+')
		return config_complain(s->p, s->source, s->line,
		    "\"+\" is not known: write the whole list after \"=\"");
	if (s->at[0] > 0x20 && s->at[0] < 0x7f)
		return config_complain(s->p, s->source, s->line,
		    "unexpected character '%c': remove it, or put the value between quotes", s->at[0]);
	return config_complain(s->p, s->source, s->line,
	    "a byte 0x%02x outside a string: remove it", (unsigned char)s->at[0]);
}

static int
scan_token(struct scan *s)
{
	switch (*s->at) {
	case '\n':
		s->line++;
		/* FALLTHROUGH */
	case ' ':
	case '\t':
		s->at++;
		return TSR_OK;
	case '"':
	case '\'':
		return scan_string(s);
	case '{':
		return scan_open(s);
	case '}':
		return scan_close(s);
	case '=':
	case ',':
		s->seen = SEEN_EQUAL;
		s->at++;
		return TSR_OK;
	case '#':
		return scan_comment(s);
	case '/':
		if (s->at[1] == '/' || s->at[1] == '*')
			return scan_comment(s);
		break;
	default:
		break;
	}
	return strchr(word_chars, *s->at) != NULL ? scan_word(s) : scan_other(s);
}

/* Bytes that belong nowhere in the file, not in its comments either. */
static int
scan_bytes(struct config_parse *p, struct config_source *source)
{
	const unsigned char *c = (const unsigned char *)source->text;
	unsigned line = 1;
	size_t i;

	for (i = 0; i < source->size; i++) {
		if (c[i] == '\n')
			line++;
		else if (c[i] == '\r')
			return config_complain(p, source, line,
			    "a carriage return: save the file with Unix line ends");
		else if ((c[i] < 0x20 && c[i] != '\t') || c[i] == 0x7f)
			return config_complain(p, source, line,
			    "a control character (byte 0x%02x): remove it", c[i]);
	}
	return TSR_OK;
}

int
config_text_scan(struct config_parse *p, struct config_source *source)
{
	struct scan s = { .p = p, .source = source, .at = source->text, .line = 1 };
	int r;

	if ((r = scan_bytes(p, source)) != TSR_OK)
		return r;
	while (*s.at != '\0')
		if ((r = scan_token(&s)) != TSR_OK)
			return r;
	if (s.depth > 0 || s.in_list)
		return config_complain(p, source, s.line,
		    "the file ends inside a section or list: add the \"}\" that is missing after line %u",
		    s.open_line);
	return TSR_OK;
}

unsigned
config_text_block(const char *text, unsigned close_line)
{
	unsigned line = 1, depth = 0, begun = 0;
	char quote = '\0', before = '\0';
	const char *c;

	for (c = text; *c != '\0' && line <= close_line; c++) {
		if (*c == '\n') {
			line++;
		} else if (quote != '\0') {
			if (*c == '\\')
				c++;
			else if (*c == quote)
				quote = '\0';
		} else if (*c == '"' || *c == '\'') {
			quote = *c;
		} else if (*c == '{') {
			if (depth++ == 0 && before != '=')
				begun = line;
		} else if (*c == '}') {
			if (--depth == 0 && line == close_line && begun != 0)
				break;
		}
		if (*c != ' ' && *c != '\t' && *c != '\n')
			before = *c;
	}
	return begun != 0 ? begun : close_line;
}
