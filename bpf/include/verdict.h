/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The only place where a verdict is recorded: a flow's packet in its entry, everything else in its counter. */
#pragma once

#include "config.h"
#include "flow.h"
#include "maps.h"
#include "packet.h"

static __noinline int count_malformed(enum malformed why)
{
	u32 index = why;
	u64 *n = bpf_map_lookup_elem(&ht_malformed, &index);

	if (n)
		*n += 1;
	else
		stat_add(STAT_LOOKUP_FAILED);
	return 0;
}

/* Frames that belong to no flow. Returns VERDICT_*. A global function: the verifier would follow it once for each way in which a
 * frame can be malformed. */
__noinline int ht_record_other(u32 found, u32 len, u32 gen, u32 out)
{
	u32 verdict = gen ? verdict_of(ht_acl_other(gen, found == FOUND_NOT_IP, out, len)) : 0;

	if (found != FOUND_NOT_IP)
		count_malformed(found);
	if (verdict & VERDICT_DENY)
		count_device(out ? DEV_DENIED_OUT : DEV_DENIED_IN, len);
	else if (found == FOUND_NOT_IP)
		count_device(out ? DEV_NONIP_OUT : DEV_NONIP_IN, len);
	else
		count_device(out ? DEV_MALFORMED_OUT : DEV_MALFORMED_IN, len);
	return verdict;
}
