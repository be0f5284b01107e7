/*
 * watch.h - telling the agent which FIDO2 keys are plugged in, as udev tells of
 * them.  No key is spoken to.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_WATCH_H
#define FIDO_WATCH_H

/*
 * Serve the agent on fd: PROTO_WATCH, then PROTO_SERVICE; where udev can be heard
 * PROTO_FIDO_PLUGGED for each key that is there, PROTO_DONE, and each that comes
 * or goes.  Where it cannot, PROTO_SERVICE says why, and again each
 * WATCH_RETRY_MS whether that changed.  TSR_OK when the agent closed the stream,
 * TSR_INVALID for anything but PROTO_WATCH.  The sandbox has been entered.
 */
int watch_serve(int fd);

#endif
