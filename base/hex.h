/*
 * hex.h - hexadecimal digits.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* The value of a digit in either case, -1 for any other character. */
int hex_digit(char c);

#endif
