/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Everything that crosses between the kernel programs and Go, and nothing else: fixed widths, explicit padding.
 * The Go twins are generated from this file's BTF (bpf2go); a test compares sizes and offsets. */
#pragma once

#define FLOW_WAYS 8
#define DEV_SLOTS 1024 /* device slots, 0 among them, which is never given out */

/* flow_key.tag: VLAN ID of the outermost tag whose VID is not 0, and what kind of packet it was. */
#define TAG_VLAN_MASK 0x0fff
#define TAG_EGRESS 0x1000     /* seen leaving the device */
#define TAG_FRAG_FIRST 0x2000 /* first fragment: ports are those of the L4 header */
#define TAG_FRAG_LATER 0x4000 /* any other fragment: ports are 0 */
#define TAG_STACKED 0x8000    /* more than one tag with VID != 0 */

/* flow_entry.bytes_flags: 47 bits of bytes, 7 of the leg of a chain, 2 flags, 8 of TCP flags. An sk_buff has at most 512 KiB, so
 * that the bytes of FLOW_PACKETS never reach the leg. */
#define BYTES_MASK 0x00007fffffffffffULL
#define FLOW_PACKETS 0x0fffffffU /* an entry with that many folds into the totals and begins again */
#define FLOW_LEG_SHIFT 47
#define FLOW_LEG_MASK 0x003f800000000000ULL
/* Of an entry of ht_denied, which is on no leg: */
#define DENIED_AGAIN 0x0000800000000000ULL /* the verdict holds for packets that come after */
#define DENIED_ASKED 0x0001000000000000ULL /* as long as `established` has the same answer, */
#define DENIED_SEEN 0x0002000000000000ULL  /* which was yes */
#define DENIED_PORTS 0x0004000000000000ULL /* and from whatever source port, of which no rule asks */
#define FLOW_INNER 0x0040000000000000ULL     /* seen inside a tunnel that is only counted: totals leave it out */
#define FLOW_FORWARDED 0x0080000000000000ULL /* left this device after arriving on another that is watched: totals count it once */
#define TCP_FLAGS_SHIFT 56

/* One direction of one flow on one device. It covers every field that a rule can match. 44 bytes. */
struct flow_key {
	__u32 src[4]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__u32 dst[4];
	__u16 sport; /* network order; ICMP: type and code as on the wire in sport, dport 0; 0 where there are no ports */
	__u16 dport;
	__u32 vni_proto; /* VNI << 8 | IP protocol */
	__u16 tag;       /* TAG_* */
	__u16 dev;       /* device slot given by user space, never 0 */
};

/* A slot of the flow table: one cache line. An empty slot has packets == 0. */
struct flow_entry {
	struct flow_key key;
	__u32 packets;     /* at FLOW_PACKETS the entry folds into the totals and begins again */
	__u64 bytes_flags; /* BYTES_MASK, FLOW_*, TCP_FLAGS_SHIFT */
	__u16 path;        /* what let it pass: a hit of its generation's image, HIT_NONE without a policy */
	__u16 gen;         /* generation of the policy that decided */
	__u32 last;        /* low 32 bits of jiffies */
};

struct flow_bucket {
	struct flow_entry way[FLOW_WAYS];
};

/* Of each way of a bucket seven bits of its flow's hash, and whether it has seen a single packet. A flow whose bits are none of them is not
 * in the bucket. */
struct flow_tags {
	__u8 way[FLOW_WAYS];
} __attribute__((aligned(8))); /* read as one word */

struct counter {
	__u64 packets;
	__u64 bytes;
};

/* Per device slot and CPU. Packets in the table are not here: a device's total is
 * the sum over its live entries plus these. */
enum dev_count {
	DEV_FOLDED_IN,  /* evicted from the table, by direction */
	DEV_FOLDED_OUT,
	DEV_FOLDED_FWD, /* the part of DEV_FOLDED_OUT that was forwarded */
	DEV_NONIP_IN,   /* ARP, LLDP …: not IP, not malformed */
	DEV_NONIP_OUT,
	DEV_MALFORMED_IN,
	DEV_MALFORMED_OUT,
	DEV_DENIED_IN, /* by the policy, frames of any kind */
	DEV_DENIED_OUT,
	DEV_COUNT_MAX,
};

struct dev_counters {
	struct counter by[DEV_COUNT_MAX];
};

/* What decides on a device, shared by its XDP and tc programs. One cache line. */
struct dev_state {
	__u64 word;      /* generation on trial << 48 | kept generation << 32 | end of the lease, low 32 bits of jiffies; both equal: no lease */
	__u64 expiry[2]; /* jiffies64 from which on cached verdicts of the trial's, the kept generation hold no more: a rule ends */
	__u32 handover;  /* not 0: ingress goes from XDP to tc or back, see handover.h */
	__u32 track;     /* not 0: the tuples of new allowed flows are noted for `established` */
	__u64 mark_lost; /* packets of chains that XDP could not note their leg on; CPUs may miss one another's */
	__u64 since[2];  /* jiffies64 before which verdicts of the trial's, the kept generation are void: a rule has ended */
	__u32 mask;      /* buckets of each CPU that are in use, a power of two, minus one */
	__u32 pad32;
};

/* flow_entry.gen of a flow that is judged anew with each packet: by a limit, or on its way past count rules. Such packets are
 * in the rules' counters already. No generation has this number. */
#define GEN_EACH 0xffff

/* Verdicts on flows that were denied, per CPU, by the hash of the key without its source port. The newest flow takes the place of an
 * older one. */
#define DENIED_WAYS 8

struct denied_bucket {
	struct flow_entry way[DENIED_WAYS];
};

/* Of each way of a bucket eight bits of its flow's hash, 1 where they are 0; 0: it was never used. */
struct denied_tags {
	__u8 way[DENIED_WAYS];
} __attribute__((aligned(8))); /* read as one word */

/* A rule's counters: packets that are not in a flow's entry. By slot, shard of CPUs, and hit. */
struct acl_hits {
	__u64 packets;
	__u64 bytes;
	__u64 limited; /* of packets: no token was left */
	__u32 last;    /* low 32 bits of jiffies */
	__u32 missed;  /* of packets: log would have told of them, but for its pace. Wraps */
};

/* How much of a rule user space was told in the second under way. By slot and hit, for all CPUs: those that ask in the same
 * instant may tell a little more. */
struct acl_pace {
	__u32 since; /* low 32 bits of jiffies when it began */
	__u32 logged;
	__u32 sampled;
};

/* The tuple of packets whose other direction was let through: struct flow_key without VNI, tag and device. */
struct seen_key {
	__u64 w[5];
};

/* One token bucket: a rule and a source. The value is when it is full again, ns. */
struct bucket_key {
	__u32 rule;
	__u32 src[4];
};

#define JUDGED 16 /* count rules that are told of one packet */

/* How a packet was judged. */
#define JUDGED_HIT 0xffff
#define JUDGED_DENY 0x10000
#define JUDGED_EACH 0x20000 /* not to be cached */
#define JUDGED_LIMITED 0x40000
#define JUDGED_TELL 0x80000 /* user space is to be told */

/* A packet that a rule with log met, or one of those that a rule denied. */
#define EVENT_LOG 0x1    /* the rule has log */
#define EVENT_SAMPLE 0x2 /* a header of what was denied */
#define EVENT_BARE 0x4   /* of no flow: not IP, or malformed */
#define EVENT_BYTES 128
#define EVENT_RULES 32 /* that one packet may tell of: more than JUDGED */

struct policy_event {
	__u64 ts; /* CLOCK_MONOTONIC, ns */
	__u32 gen;
	__u32 hit;    /* of the rule that this is about */
	__u32 judged; /* JUDGED_*: what became of the packet */
	__u32 flags;  /* EVENT_* */
	__u32 missed; /* the rule's acl_hits.missed by now, in this shard */
	__u32 shard;
	__u32 len;      /* on the wire */
	__u32 captured; /* bytes of frame */
	__u32 tag;      /* VLAN tag that the device took out of the frame: EtherType << 16 | TCI, 0: none */
	struct flow_key key; /* not with EVENT_BARE, but for direction and device */
	__u8 frame[EVENT_BYTES];
};
#define JUDGED_LEG_SHIFT 24 /* leg of a chain that an allowed packet is on, 0: none */

#define ACL_RUNS 8 /* a power of two; there are five: either address, either port, and what all packets are held against */

/* One packet on its way off the fast path; per CPU. Global functions take no pointers on old kernels. */
struct acl_query {
	__u64 w[5]; /* struct flow_key */
	__u32 tag_dev;
	__u32 dev; /* device slot to judge for */
	__u32 len;
	__u32 tcp_flags;
	__u64 hash;
	__u32 interval[2];
	__u32 established;
	__u32 flows; /* the policy asks for that */
	__u32 ports; /* classes of source ports that the policy has */
	__u32 counted_n;
	__u16 counted[JUDGED]; /* records of the count rules that matched; in a dry run, counters of those that were passed */
	__u32 passed;          /* of those: before the record that decided */
	__u32 leg;             /* of the first chain that matches, 0: none */
	__u32 gen;             /* with JUDGED_TELL: that decided */
	__u32 judged;          /* likewise */
	__u32 tell_n;
	__u32 best;            /* the first record that decides, so far */
	__u32 at;              /* the run that is looked at, of runs */
	__u32 runs;
	__u32 run[ACL_RUNS]; /* lists to look through, none of them empty: what is left of each, as in acl_image */
	__u32 tell[EVENT_RULES]; /* hit, and EVENT_* << 16 */
};

/* Why a frame could not be parsed. Names: see malformed_names in bpf/kern. */
enum malformed {
	MAL_NONE,
	MAL_SHORT_ETH,     /* frame ends inside the Ethernet header */
	MAL_SHORT_VLAN,    /* frame ends inside a VLAN tag */
	MAL_TOO_MANY_TAGS, /* more than four VLAN tags */
	MAL_SHORT_IP4,     /* frame ends inside the IPv4 header or its options */
	MAL_IP4_VERSION,   /* EtherType says IPv4, version field does not */
	MAL_IP4_IHL,       /* header length below 20 */
	MAL_IP4_LEN,       /* total length below the header length or beyond the frame */
	MAL_SHORT_IP6,     /* frame ends inside the IPv6 header */
	MAL_IP6_VERSION,
	MAL_IP6_LEN,       /* payload length beyond the frame */
	MAL_IP6_EXT_SHORT, /* frame ends inside an extension header */
	MAL_IP6_EXT_CHAIN, /* more than eight extension headers */
	MAL_FRAG_TINY,     /* first fragment too short for its L4 header, or a TCP fragment at offset 8 (RFC 1858) */
	MAL_FRAG_BEYOND,   /* fragment ends beyond 65,535 bytes */
	MAL_SHORT_L4,      /* packet ends inside the TCP, UDP, SCTP, ICMP or ICMPv6 header */
	MAL_TCP_DOFF,      /* TCP header length below 20 or beyond the packet */
	MAL_UDP_LEN,       /* UDP length below 8 or beyond the packet */
	MAL_MAX,
};

/* Things that must never be silent; per CPU. */
enum stat {
	STAT_NEW_FLOWS,
	STAT_EVICTIONS,
	STAT_WRAPS,        /* flow_entry.packets was full */
	STAT_PULL_FAILED,  /* tc: the headers could not be made linear */
	STAT_LOOKUP_FAILED, /* a map lookup that cannot fail, failed */
	STAT_COUNT_LOST,    /* a packet passed more than JUDGED count rules: the others did not count it */
	STAT_SEEN_FAILED,   /* the tuple of a new flow could not be noted */
	STAT_BUCKET_FAILED, /* a token bucket could not be made: the packet passed */
	STAT_EVENT_LOST,    /* an event of a rule with log found no room in its ring */
	STAT_SAMPLE_LOST,   /* a header did not */
	STAT_NOTE_LOST,     /* while ingress changed hooks a packet could not say that it was counted: it counts twice */
	STAT_MARK_FOREIGN,  /* a chain's packet carries a mark of somebody else in the chain's bits: it was left alone */
	STAT_MARK_LOST,     /* a chain's packet could not be given its mark: no room for metadata */
	STAT_MARK_STALE,    /* metadata of ours that fits no policy: ignored */
	STAT_TUNNEL_FULL,   /* a packet in a tunnel has no row: there are too many tunnels and peers */
	STAT_NEW_DENIED,    /* entries of denied flows that were empty before */
	STAT_MAX,
};

/* A dry run's word with user space, one frame at a time. */
struct shadow_io {
	__u32 len;     /* in: bytes on the wire, when more than the program is given */
	__u32 runs;    /* out: one more a frame */
	__u32 counted; /* out: bytes counted */
	__u32 found;   /* out: enum malformed, MAL_MAX: not IP */
	struct flow_key key; /* out, when found == 0 */
	__u32 tcp_flags;
	__u32 gen;    /* in: judge by this generation and count nothing, GEN_EACH: by none; 0: no */
	__u32 egress; /* in, with gen: TAG_EGRESS or 0 */
	__u32 dev;    /* in, with gen: device slot */
	__u32 judged; /* out, with gen: JUDGED_* */
	__u32 passed_n; /* out, with gen: counters of the count rules that were passed */
	__u16 passed[JUDGED];
	__u32 tunnel; /* out: enum tunnel_kind; with gen, `judged` is of the packet inside when it would be unwrapped */
	__u32 vni;
	__u32 tunnel_why; /* out: enum tunnel_error */
	__u32 tunnel_hit; /* out, with gen: counter of the tunnel line, HIT_NONE: none */
	__u32 strips;     /* out: 1: it is unwrapped */
	__u32 inner_found; /* out: what the packet inside is: 1 + enum malformed, 1 + MAL_MAX: not IP, 0: it was not looked at */
	struct flow_key inner; /* out, when inner_found == 1 */
	__u32 inner_len;
	__u32 has_vni;
	__u32 pad;
};

/* One function or tracepoint that a packet, or without one a call, passed. Go: kern.TraceEvent. */
#define TRACE_CLONE 0x01  /* the sk_buff joined its journey as a clone or copy */
#define TRACE_RETURN 0x02 /* the end of a function: ret and took hold, what is of the packet does not */
#define TRACE_KEY 0x04    /* src to proto hold */
#define TRACE_FIRST 0x08  /* the journey begins here */
#define TRACE_DEPTH 32    /* addresses of a stack */

struct trace_event {
	__u64 ts;      /* CLOCK_MONOTONIC, ns */
	__u64 skb;     /* address, 0: none */
	__u64 journey; /* what all events of one packet have in common, 0: no packet */
	__u64 ret;
	__u64 took; /* ns */
	__u64 args[5];
	__u32 func; /* number in its session */
	__u32 cpu;
	__u32 len;
	__u32 mark;
	__u32 ifindex; /* 0: no device yet */
	__u32 netns;   /* inode */
	__u32 pid;     /* thread group */
	__u32 reason;  /* drop reason by number, 0: none told */
	__u32 src[4];  /* as in flow_key */
	__u32 dst[4];
	__u16 sport;
	__u16 dport;
	__u8 proto;
	__u8 frag;  /* 0 whole, 1 first, 2 later */
	__u16 vlan; /* of the tag beside the packet */
	__u32 flags; /* TRACE_* */
	__u32 depth; /* addresses behind the event, see trace_stack */
	char comm[16];
	char dev[16];
};

struct trace_stack {
	struct trace_event event;
	__u64 ips[TRACE_DEPTH]; /* innermost first */
};

/* The attach cookie of a function: its number below, then the argument that is an sk_buff, one that is a sock, and FUNC_*. */
#define COOKIE_SKB 32
#define COOKIE_SK 36
#define COOKIE_FLAGS 40
#define ARG_NONE 15
#define FUNC_LATE 0x01     /* runs on an sk_buff that is being freed: no journey begins there */
#define FUNC_FOLLOWS 0x02  /* not asked for: shown only where it belongs to a journey */
#define FUNC_QUIET 0x04    /* never shown */
#define FUNC_FREES 0x08    /* the sk_buff ends here */
#define FUNC_RECEIVES 0x10 /* an arriving packet, seen by the stack for the first time on a device */
#define FUNC_SENDS 0x20    /* a packet given to a device */

/* Terms of a packet filter; all must hold. Addresses are as in flow_key. */
#define TRACE_TERMS 9 /* eight that are typed, and hooktop's own namespace */
#define TERM_SRC 1
#define TERM_DST 2

enum trace_term_kind {
	TERM_NONE,
	TERM_FAMILY, /* value: 4 or 6 */
	TERM_PROTO,  /* value or mask: protocol number */
	TERM_NET,    /* a & b against the addresses that dir names */
	TERM_PORT,   /* aport, dir */
	TERM_DEV,    /* a: name */
	TERM_MARK,   /* value, mask */
	TERM_PID,    /* value */
	TERM_COMM,   /* a: name */
	TERM_FLOW,   /* a:aport > b:bport or back; value: 1 whatever the ports */
	TERM_NETNS,  /* value: inode; holds too where the namespace is not known yet */
};

struct trace_term {
	enum trace_term_kind kind;
	__u32 dir; /* TERM_SRC | TERM_DST: either */
	__u32 value;
	__u32 mask;
	__u32 a[4];
	__u32 b[4];
	__u16 aport; /* network order; also TERM_PORT's */
	__u16 bport;
	__u32 pad;
};

/* What becomes of a call of a traced function; each call counts once. The last two are beside that. */
enum trace_stat {
	TRACE_SHOWN,
	TRACE_FILTERED,
	TRACE_RATE,      /* over the limit of events per second */
	TRACE_RING,      /* no room in the ring buffer */
	TRACE_UNTRACKED, /* shown, but its journey could not be noted: what comes next begins another */
	TRACE_UNPAIRED,  /* a return without its call, or calls nested too deep to note */
	TRACE_STAT_MAX,
};
