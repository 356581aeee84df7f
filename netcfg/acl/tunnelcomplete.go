// SPDX-License-Identifier: Apache-2.0

package acl

import "slices"

// tunnelNext lists what may follow the words of a tunnel line, of which the first is tunnel itself.
func tunnelNext(toks []token, known Known) []string {
	if len(toks) == 1 {
		var out []string
		for _, k := range TunnelKinds() {
			out = append(out, k.String())
		}
		return out
	}
	kind, ok := tunnelKindOf(toks[1].text)
	if !ok {
		return nil
	}
	switch last := toks[len(toks)-1]; last.text {
	case "port", ",":
		return nil
	case "vni":
		return []string{"any"}
	case "to":
		return known.Traffic
	case "peers":
		return known.Traffic
	case "inner":
		return nil
	case "strip":
		return []string{"force"}
	}
	var out []string
	has := func(word string) bool { return slices.ContainsFunc(toks, func(t token) bool { return t.is(word) }) }
	for _, word := range tunnelWords() {
		switch {
		case has(word),
			word == "port" && kind.WellKnown() == 0,
			word == "vni" && !kind.HasVNI(),
			word == "strip" && (!kind.CanStrip() || has("count") || !has("to") || !has("peers") || !has("inner")),
			word == "count" && (has("strip") || has("inner")),
			word == "inner" && (!kind.CanStrip() || has("count")):
			continue
		}
		out = append(out, word)
	}
	return out
}
