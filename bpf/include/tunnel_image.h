/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tunnel lines of a compiled policy; see acl_image.h. */
#pragma once

#include "compat.h"

#define TUNNEL_LINES 64
#define TUNNEL_PREFIXES 512
#define TUNNEL_LIST 16 /* prefixes of one kind in one line */

#define TUNNEL_STRIP 0x01
#define TUNNEL_ANY_VNI 0x02
#define TUNNEL_ANY_TO 0x04

/* Words of a flow_key's address, and which of their bits count. */
struct tunnel_prefix {
	__u64 addr[2];
	__u64 mask[2];
};

struct tunnel_line {
	__u64 to[2];
	__u32 vni;
	__u16 port; /* network order; 0 for GRE and IP in IP */
	__u8 kind;  /* enum tunnel_kind */
	__u8 flags; /* TUNNEL_* */
	__u16 hit;
	__u16 peers, peers_n; /* in prefix[]; none: anybody */
	__u16 inner, inner_n;
	__u16 pad[3];
};

struct acl_tunnels {
	__u32 n;
	__u32 pad;
	struct tunnel_line line[TUNNEL_LINES];
	struct tunnel_prefix prefix[TUNNEL_PREFIXES];
};
