/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A compiled policy as it lies in its slot (netcfg/acl/compile makes it, bpf/kern writes it). Nothing in it changes while a
 * program may read it, but next_expiry. Sizes are powers of two, so that a mask is all that keeps an index inside. */
#pragma once

#include "compat.h"
#include "tunnel_image.h"

#define ACL_SLOTS 3 /* generation % ACL_SLOTS is its slot: kept, on trial, being written */

/* The same without a division, which takes as long as a dozen other instructions: exact for the 16 bits that a generation has. */
static __always_inline u32 slot_of(u32 gen)
{
	return gen - (gen * 43691 >> 17) * ACL_SLOTS;
}

#define ACL_RECORDS 16384
#define ACL_BOUNDS 32768
#define ACL_LISTS 131072
#define ACL_PORT_LISTS 16384
#define ACL_PORTS 65536
#define ACL_HITS 12288
#define ACL_TYPE_ROWS 513
#define ACL_DEVS 1024
#define ACL_LEGS 128 /* of chains, 0 among them, which is none */

#define RECORD_IN 0x0001
#define RECORD_OUT 0x0002
#define RECORD_DENY 0x0004
#define RECORD_LIMIT 0x0008
#define RECORD_COUNT 0x0010
#define RECORD_NOT_SRC 0x0020
#define RECORD_NOT_DST 0x0040
#define RECORD_NOT_VLAN 0x0080
#define RECORD_NOT_VNI 0x0100
#define RECORD_ESTABLISHED 0x0200
#define RECORD_LATER 0x0400
#define RECORD_CHAIN 0x0800 /* notes its leg (hit) and goes on */
#define RECORD_LOG 0x1000

/* Counters that no rule has: what no policy decided, and the defaults. */
#define HIT_NONE 0
#define HIT_DEFAULT_IN 1
#define HIT_DEFAULT_OUT 2

/* One rule, or one pair of its port ranges. Ranges are inclusive. One cache line. */
struct acl_record {
	__u16 src_lo, src_hi; /* address intervals */
	__u16 dst_lo, dst_hi;
	__u16 sport_lo, sport_hi; /* host order */
	__u16 dport_lo, dport_hi;
	__u32 vni; /* 0: any */
	__u16 vlan; /* 0: any */
	__u16 hit;
	__u32 flags; /* RECORD_* */
	__u8 proto, type, dev, src, dst; /* bits of the packet's set words */
	__u8 pad[3];
	__u32 bucket;  /* names the rule's token buckets */
	__u64 expires; /* CLOCK_BOOTTIME in ns, 0: never */
	__u64 cost;    /* ns that a token takes to come back, 0: no limit */
	__u64 burst;   /* ns: tokens that may be taken at once, times cost */
};

/* A run of record numbers in acl_image.list: offset, and length behind 18 bits. */
#define LIST_OFFSET_BITS 18

/* One side's addresses: IPv4 intervals first, those of IPv6 behind. */
struct acl_side {
	__u16 root[ACL_PORTS + 8]; /* interval of the first address of each /16, and the last interval's number */
	__u32 bound4[ACL_BOUNDS];  /* first addresses, ascending, host order */
	__u64 bound6[ACL_BOUNDS][2];
	__u32 list[ACL_BOUNDS];
	__u64 sets[ACL_BOUNDS];
	__u32 n4; /* intervals of IPv4 */
	__u32 n6;
};

struct acl_ports {
	__u16 class[ACL_PORTS];
	__u32 list[ACL_PORT_LISTS];
	__u32 later; /* for later fragments */
	__u32 classes; /* 1: no rule asks for these ports */
};

/* The mark of packets on one leg of a chain, and the bits that are the chain's. */
struct acl_leg {
	__u32 mark;
	__u32 mask;
};

struct acl_image {
	__u32 gen; /* whose image this is, 0: nobody's */
	__u32 deny[2]; /* by default: in, out */
	__u32 not_ip; /* hit of the guard line for frames that are not IP, 0: there is none */
	__u32 wild;   /* list for every packet */
	__u32 flows;  /* a rule asks for established */
	__u64 proto[256];
	__u64 type[ACL_TYPE_ROWS + 7];
	__u64 dev[ACL_DEVS];
	struct acl_side side[2]; /* source, destination */
	struct acl_ports ports[2];
	struct acl_leg leg[ACL_LEGS];
	struct acl_record record[ACL_RECORDS];
	__u16 list[ACL_LISTS];
	struct acl_tunnels tunnels;
};
