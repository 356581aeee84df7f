/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What crosses between the tunnel stage and Go; see wire.h. */
#pragma once

#include "wire.h"

enum tunnel_kind {
	TUN_NONE,
	TUN_VXLAN,  /* RFC 7348 */
	TUN_GPE,    /* VXLAN-GPE, draft-ietf-nvo3-vxlan-gpe */
	TUN_GENEVE, /* RFC 8926 */
	TUN_GUE,    /* draft-ietf-intarea-gue, both versions */
	TUN_GTPU,   /* 3GPP TS 29.281 */
	TUN_GRE,    /* RFC 2784, 2890 */
	TUN_IPIP,   /* RFC 2003, 2473, 4213 */
	TUN_KINDS,
};

/* What a tunnel header says comes next. */
enum tunnel_inner {
	INNER_UNKNOWN,
	INNER_ETH,
	INNER_IP4,
	INNER_IP6,
};

/* Why a packet in a tunnel was not unwrapped. Names: see tunnelErrors in bpf/kern. */
enum tunnel_error {
	TERR_NONE,
	TERR_SHORT,     /* ends inside the tunnel header */
	TERR_VERSION,   /* a version that nobody has written down */
	TERR_FLAGS,     /* a reserved bit is set, a needed one is not, or an option whose length or meaning is unknown */
	TERR_CRITICAL,  /* Geneve: an option that must be understood and is not */
	TERR_CONTROL,   /* a message of the tunnel protocol itself: OAM, echo … */
	TERR_PAYLOAD,   /* what is inside is neither Ethernet nor IP */
	TERR_FRAGMENT,  /* the outer packet is a fragment */
	TERR_INNER,     /* the packet inside is malformed */
	TERR_NOT_OURS,  /* no strip line of this port names the outer destination */
	TERR_VNI,       /* none that does names the VNI */
	TERR_PEER,      /* none that does names the outer source */
	TERR_NESTED,    /* a tunnel inside the tunnel */
	TERR_NOT_IP,    /* the frame inside is not IP, or carries a VLAN tag of its own */
	TERR_SOURCE,    /* the inner source is outside the line's prefixes */
	TERR_FORGED,    /* the inner source can't come from outside: this host's, loopback, multicast, link-local */
	TERR_FORWARD,   /* a super-packet that is not for this host: it would leave with the tunnel's segmentation */
	TERR_TAG,       /* tc takes nothing off behind a VLAN tag in the frame */
	TERR_FAMILY,    /* tc before 6.3 leaves no packet of the other family */
	TERR_FAILED,    /* the kernel refused to take the header off */
	TERR_MAX,
};

/* A tunnel as one peer uses it, on one device. */
struct tunnel_key {
	__u32 peer[4]; /* outer source, as in flow_key */
	__u32 vni;     /* GRE: key, GTP-U: TEID */
	__u16 dev;
	__u8 kind;
	__u8 shard; /* CPUs share rows like the counters of rules; TUNNEL_HAS_VNI */
};

#define TUNNEL_HAS_VNI 0x80

/* A VNI of 24 bits is all that a flow's key has room for: packets in tunnels with wider keys are in 0, like those in tunnels without
 * one, when they are unwrapped. Only looked at, they are in VNI_NONE: a packet outside of tunnels must not be taken for one of them. */
#define VNI_MAX 0xfffffe
#define VNI_NONE 0xffffff

/* errors add up to what was neither unwrapped nor only counted. */
struct tunnel_row {
	__u64 packets;
	__u64 bytes; /* outer frames */
	__u64 stripped;
	__u64 errors[TERR_MAX];
	__u32 local[4]; /* of the newest packet from here on */
	__u16 port;     /* network order */
	__u8 inner;     /* enum tunnel_inner */
	__u8 pad;
	__u16 hit; /* of gen's image: the line that speaks of it */
	__u16 gen;
	__u32 last; /* low 32 bits of jiffies */
	__u32 pad2;
};

/* Sizes of inner packets: up to 64, 128, 256, 512, 1024 bytes, and longer. */
#define TUNNEL_SIZES 6

/* One packet in a tunnel; per CPU, as acl_query is. */
struct tunnel_query {
	__u64 w[4]; /* outer addresses */
	__u32 l3;   /* offset of the outer IP header */
	__u32 l4;   /* offset of the outer L4 header, or of what stands in its place */
	__u32 left; /* bytes of the outer packet from there on */
	__u32 len;  /* of the outer frame */
	__u32 proto;
	__u32 frag;
	__u32 tag;  /* of the outer frame: VLAN bits of flow_key.tag */
	__u32 port; /* network order */
	enum tunnel_kind kind;
	__u32 vni;
	__u32 has_vni;
	enum tunnel_inner inner;
	__u32 offset; /* of what is inside */
	__u32 inside; /* bytes of it */
	__u32 ip;     /* offset of the IP packet inside */
	__u32 tagged; /* the frame inside has VLAN tags */
	__u32 six;    /* the packet inside is IPv6 */
	__u32 found;  /* what the parser said of it; the rest is in the acl_query */
	__u32 looked; /* found holds */
	enum tunnel_error why;
	__u32 hit;
	__u32 strip;
	__u32 line;  /* of the image, where hit is not HIT_NONE */
	__u32 super; /* may be several packets of the wire in one */
	__u32 worst; /* why the line that went along farthest does not agree */
	__u32 lane;  /* index, LANE_NONE */
	struct tunnel_row none; /* zeroes, of which new rows are made: the stack has no room for them */
};

/* What the policy's lines say of one tunnel to one address, and what a CPU counted of its packets that is nothing out of the ordinary:
 * all of them came to the same end. */
struct tunnel_lane {
	__u64 w[4]; /* outer addresses, as in flow_key */
	__u32 vni;
	__u16 port; /* network order */
	__u8 kind;
	__u8 has_vni;
	__u16 dev;
	__u16 gen;
	__u16 hit; /* as in tunnel_row */
	__u8 line; /* of the image, where hit is not HIT_NONE */
	__u8 strip;
	__u64 packets; /* 0: it is nobody's */
	__u64 bytes;   /* outer frames */
	__u32 sizes[8]; /* TUNNEL_SIZES of them */
	__u32 last;  /* low 32 bits of jiffies */
	__u32 folds; /* how often its counts went elsewhere: one who reads knows */
	__u8 why;    /* enum tunnel_error: in what no line agrees with it */
	__u8 inner;  /* enum tunnel_inner */
	__u8 pad[22];
};

#define LANE_NONE 0xffffffff

struct own_key {
	__u64 w[2]; /* as in flow_key */
};

/* A bit for each address of ht_own, by hash: without it an address is not there. */
struct own_bits {
	__u64 bits[64];
};

struct tunnel_ports {
	__u64 bits[1024];
};
