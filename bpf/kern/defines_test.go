// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"hooktop/netcfg/acl/compile"
)

// twins are the constants that stand in C as well: the preprocessor leaves nothing of those in BTF.
func twins() map[string]uint64 {
	return map[string]uint64{
		"ACL_SLOTS": aclSlots, "ACL_HITS": aclHits, "ACL_LEGS": aclLegs, "LIST_OFFSET_BITS": listOffsetBits, "GEN_EACH": genEach,
		"DEV_SLOTS": stateSlots, "FLOW_WAYS": ways, "FLOW_PACKETS": flowPackets, "FLOW_LEG_SHIFT": legShift, "FLOW_LEG_MASK": legMask << legShift,
		"FLOW_INNER": flowInner, "FLOW_FORWARDED": flowForwarded, "BYTES_MASK": bytesMask, "TCP_FLAGS_SHIFT": tcpFlagsShift,
		"TAG_VLAN_MASK": tagVLAN, "TAG_EGRESS": tagEgress, "TAG_FRAG_FIRST": tagFragFirst, "TAG_FRAG_LATER": tagFragLater, "TAG_STACKED": tagStacked,
		"JUDGED_HIT": judgedHit, "JUDGED_DENY": judgedDeny, "JUDGED_LIMITED": judgedLimited, "JUDGED_LEG_SHIFT": judgedLeg,
		"EVENT_LOG": eventLog, "EVENT_SAMPLE": eventSample, "EVENT_BARE": eventBare, "EVENT_BYTES": EventBytes,
		"TUNNEL_HAS_VNI": tunnelHasVNI, "TUNNEL_STRIP": tunnelStrip, "TUNNEL_ANY_VNI": tunnelAnyVNI, "TUNNEL_ANY_TO": tunnelAnyTo,
		"RECORD_IN": uint64(compile.In), "RECORD_OUT": uint64(compile.Out), "RECORD_DENY": uint64(compile.Deny), "RECORD_LIMIT": uint64(compile.Limit),
		"RECORD_COUNT": uint64(compile.Count), "RECORD_NOT_SRC": uint64(compile.NotSrc), "RECORD_NOT_DST": uint64(compile.NotDst),
		"RECORD_NOT_VLAN": uint64(compile.NotVLAN), "RECORD_NOT_VNI": uint64(compile.NotVNI), "RECORD_ESTABLISHED": uint64(compile.Established),
		"RECORD_LATER": uint64(compile.Later), "RECORD_CHAIN": uint64(compile.Chain), "RECORD_LOG": uint64(compile.Log),
	}
}

// The constants that C and Go share are the same.
func TestDefinesAreTheSameInCAndGo(t *testing.T) {
	headers, err := filepath.Glob("../include/*.h")
	if err != nil || len(headers) == 0 {
		t.Fatalf("headers %v, %v", headers, err)
	}
	left := twins()
	define, suffix := regexp.MustCompile(`(?m)^#define (\w+) ([^/\n]+)`), regexp.MustCompile(`\b(0[xX][0-9a-fA-F]+|\d+)U?L*\b`)
	for _, header := range headers {
		text, err := os.ReadFile(header)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range define.FindAllStringSubmatch(string(text), -1) {
			want, ok := left[m[1]]
			if !ok {
				continue
			}
			delete(left, m[1])
			v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, suffix.ReplaceAllString(m[2], "$1"))
			if err != nil {
				t.Errorf("%s: %s is %q: %v", header, m[1], m[2], err)
				continue
			}
			if got, exact := constant.Uint64Val(constant.ToInt(v.Value)); !exact || got != want {
				t.Errorf("%s: %s is %s, in Go it is %d", header, m[1], m[2], want)
			}
		}
	}
	for name := range left {
		t.Errorf("no header defines %s", name)
	}
}
