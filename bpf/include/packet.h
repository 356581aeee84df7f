/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parsers hand on. No maps here. */
#pragma once

#include "compat.h"
#include "config.h"
#include "wire.h"

/* A place in the frame. `left` counts bytes on the wire from pos to the end of what encloses it (frame, then IP packet):
 * more than end - pos when the frame was captured short or lies in fragments of the skb, less when there is padding. */
struct cursor {
	void *pos;
	void *end;
	u32 left;
};

/* One parsed frame. w and tag_dev are struct flow_key in eight-byte words. */
struct packet {
	u64 w[5];
	u32 tag_dev;
	u32 len; /* bytes on the wire, all VLAN tags included, without FCS */
	u64 hash;
	u32 tcp_flags;
	u32 frag; /* TAG_FRAG_FIRST, TAG_FRAG_LATER or 0 */
};

/* What a parser found: 0, why the frame is malformed (enum malformed), or one of these. */
enum {
	FOUND_NOT_IP = MAL_MAX,
	FOUND_IP4,
	FOUND_IP6,
};
