// SPDX-License-Identifier: Apache-2.0

package acl

// chainNext lists what may follow the tokens of a chain line: its parts have one order, so that the last word says most.
func chainNext(toks []token, known Known) []string {
	if len(toks) == 1 {
		return nil // the name
	}
	if len(toks) == 2 {
		return []string{"in"}
	}
	at := 0
	for i := range toks {
		switch t := toks[i]; {
		case i > 1 && t.is("in") && at == 0, t.is("match") && at < i, t.is("service") && at < i, t.is("return"), t.is("mark"), t.is("upstream"), t.is("fail"):
			at = i
		}
	}
	part, last, words := toks[at].text, toks[len(toks)-1], len(toks)-1-at
	switch {
	case last.is("dev") || words == 0 && (part == "in" || part == "return"):
		return known.Devices
	case part == "match":
		return chainMatchNext(toks, at, known)
	case last.is("via") && words > 0:
		return known.Traffic
	case words == 0:
		return map[string][]string{"service": {"via"}, "upstream": {"via"}, "mark": {"0x10/0xf0"}, "fail": {"open", "closed"}}[part]
	}
	switch part {
	case "in":
		return []string{"match"}
	case "service":
		return [][]string{2: {"dev"}, 4: {"return"}, 5: nil}[min(max(words, 2), 5)]
	case "return":
		return [][]string{1: {"via", "mark"}, 2: nil, 3: {"mark"}, 4: nil}[min(words, 4)]
	case "mark":
		return []string{"upstream"}
	case "upstream":
		return [][]string{2: {"dev"}, 4: {"fail"}, 5: nil}[min(max(words, 2), 5)]
	case "fail":
		if words == 1 {
			return []string{"both", "oneway"}
		}
	}
	return nil
}

// chainMatchNext lists what a chain's match may go on with.
func chainMatchNext(toks []token, at int, known Known) []string {
	last := toks[len(toks)-1]
	switch {
	case last.is("match"):
		return append([]string{"any", "from", "to"}, protocolWords()...)
	case last.is("any") && len(toks)-1-at == 1:
		return []string{"service"}
	}
	if words, ok := asked(toks[at:], last, known); ok {
		return words
	}
	out := []string{"service"}
	for _, w := range rest(toks[at:], Allow) {
		if w == "from" || w == "to" || w == "port" {
			out = append(out, w)
		}
	}
	return out
}
