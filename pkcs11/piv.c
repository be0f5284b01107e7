/*
 * piv.c - a PIV card through PC/SC.  See piv.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/piv.h"

#include <string.h>

#include <sodium.h>
#include <winscard.h>

#include "base/proto.h"
#include "pkcs11/lease.h"
#include "tessera.h"

#define PIV_ANSWER_MAX	258	/* bytes of an answer: short APDUs */
#define PIV_PIN_LEN	8	/* bytes of a PIN or PUK on the wire, padded with 0xff */
#define PIV_PIN_MIN	6	/* digits */

#define SW_OK		0x9000u
#define SW_LOCKED	0x6983u
#define SW_TRIES	0x63c0u	/* and the tries in the last four bits */

struct piv {
	SCARDCONTEXT context;
	SCARDHANDLE card;
	DWORD protocol;
	int connected;
};

/* ISO/IEC 7816-4.  The status word, 0 where the card did not answer. */
static unsigned
piv_transmit(const struct piv *p, const uint8_t *apdu, size_t n)
{
	uint8_t answer[PIV_ANSWER_MAX];
	DWORD len = sizeof(answer);
	const SCARD_IO_REQUEST *pci = p->protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;

	if (SCardTransmit(p->card, pci, apdu, (DWORD)n, NULL, answer, &len) != SCARD_S_SUCCESS ||
	    len < 2 || len > sizeof(answer))
		return 0;
	return (unsigned)answer[len - 2] << 8 | answer[len - 1];
}

static void
piv_close(struct piv *p, DWORD leave)
{
	if (p->connected) {
		(void)SCardEndTransaction(p->card, leave);
		(void)SCardDisconnect(p->card, SCARD_LEAVE_CARD);
	}
	(void)SCardReleaseContext(p->context);
}

static int
piv_code(LONG r)
{
	switch (r) {
	case SCARD_E_NO_SMARTCARD:
	case SCARD_W_REMOVED_CARD:
	case SCARD_E_UNKNOWN_READER:
	case SCARD_E_READER_UNAVAILABLE:
		return TSR_DEVICE_REMOVED;
	case SCARD_E_SHARING_VIOLATION:
		return TSR_DEVICE_BUSY;
	default:
		return TSR_MODULE;
	}
}

/* Connected, in a transaction, the PIV application selected: others that use
 * the card select theirs when they see that it is not. */
static int
piv_open(const char *reader, struct piv *p)
{
	/* SP 800-73-4 part 1, 2.2: without the version */
	static const uint8_t select[] = {
		0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x00
	};
	unsigned sw;
	LONG r;

	memset(p, 0, sizeof(*p));
	if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &p->context) != SCARD_S_SUCCESS)
		return TSR_MODULE;
	r = lease_connect(p->context, reader, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &p->card,
	    &p->protocol);
	if (r == SCARD_S_SUCCESS && (r = lease_transact(p->card)) != SCARD_S_SUCCESS &&
	    !lease_must_end())
		(void)SCardDisconnect(p->card, SCARD_LEAVE_CARD);
	if (r != SCARD_S_SUCCESS) {
		if (!lease_must_end())
			(void)SCardReleaseContext(p->context);
		return piv_code(r);
	}
	p->connected = 1;
	sw = piv_transmit(p, select, sizeof(select));
	if (sw == SW_OK || sw >> 8 == 0x61)	/* so many bytes of an answer are left to be fetched */
		return TSR_OK;
	piv_close(p, SCARD_LEAVE_CARD);
	return sw == 0 ? TSR_DEVICE_REMOVED : TSR_UNSUPPORTED;
}

/* The status word of an empty VERIFY, 0 for none. */
static unsigned
piv_verify_nothing(const char *reader, DWORD leave)
{
	static const uint8_t verify[] = { 0x00, 0x20, 0x00, 0x80 };
	struct piv p;
	unsigned sw;

	if (piv_open(reader, &p) != TSR_OK)
		return 0;
	sw = piv_transmit(&p, verify, sizeof(verify));
	piv_close(&p, sw == SW_OK ? leave : SCARD_LEAVE_CARD);
	return sw;
}

uint32_t
piv_tries(const char *reader)
{
	unsigned sw;

	sw = piv_verify_nothing(reader, SCARD_RESET_CARD);
	if (sw == SW_OK)	/* somebody left it verified: closed now, and asked again */
		sw = piv_verify_nothing(reader, SCARD_LEAVE_CARD);
	if (sw == SW_LOCKED)
		return 0;
	return (sw & 0xfff0) == SW_TRIES ? sw & 0xf : PROTO_TRIES_UNKNOWN;
}

static void
piv_pad(uint8_t out[PIV_PIN_LEN], const struct secret *s)
{
	memset(out, 0xff, PIV_PIN_LEN);
	memcpy(out, s->data, s->size);
}

/* SP 800-73-4 part 2, 2.4.3. */
static int
piv_is_pin(const struct secret *s)
{
	size_t i;

	for (i = 0; i < s->size; i++)
		if (s->data[i] < '0' || s->data[i] > '9')
			return 0;
	return s->size >= PIV_PIN_MIN && s->size <= PIV_PIN_LEN;
}

int
piv_unblock(const char *reader, const struct secret *puk, const struct secret *pin,
    struct fault *f)
{
	uint8_t apdu[5 + 2 * PIV_PIN_LEN] = { 0x00, 0x2c, 0x00, 0x80, 2 * PIV_PIN_LEN };
	struct piv p;
	unsigned sw;
	int r;

	if (!piv_is_pin(pin))
		return fault_set(f, TSR_PIN_LENGTH, "the PIN of a PIV card has 6 to 8 digits");
	if (puk->size == 0 || puk->size > PIV_PIN_LEN)
		return fault_set(f, TSR_PIN_LENGTH, "the PUK of a PIV card has up to 8 characters");
	if ((r = piv_open(reader, &p)) != TSR_OK)
		return fault_set(f, r == TSR_UNSUPPORTED ? TSR_DEVICE_REMOVED : r,
		    "the card in the reader \"%s\" cannot be reached", reader);
	piv_pad(apdu + 5, puk);
	piv_pad(apdu + 5 + PIV_PIN_LEN, pin);
	sw = piv_transmit(&p, apdu, sizeof(apdu));
	sodium_memzero(apdu, sizeof(apdu));
	piv_close(&p, SCARD_LEAVE_CARD);
	if (sw == SW_OK)
		return TSR_OK;
	if (sw == SW_LOCKED || sw == SW_TRIES) {
		f->tries = 0;
		return fault_set(f, TSR_PIN_LOCKED, "the PUK is blocked: the card's issuer can reset it");
	}
	if ((sw & 0xfff0) == SW_TRIES) {
		f->tries = sw & 0xf;
		return fault_set(f, TSR_PIN_WRONG, "the card refused the PUK");
	}
	return fault_set(f, sw == 0 ? TSR_DEVICE_REMOVED : TSR_MODULE,
	    "RESET RETRY COUNTER: status word %04x", sw);
}
