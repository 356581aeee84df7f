// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strconv"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/spark"
	"hooktop/ui/widget/table"
)

type flowColumn = table.Column[snap.Flow]

// columns declares how the flow columns look; keys are those of ui/column. window gives the index of the rates shown.
func columns(env *core.Env, window func() int, ended func() int64) []flowColumn {
	return append(append(identity(), rates(env, window, ended)...), extras(env)...)
}

func identity() []flowColumn {
	return []flowColumn{
		{Key: "source", Title: "SOURCE", Width: 21, Min: 12, Max: 30, Cell: func(b []byte, f *snap.Flow, w int) []byte { return side(b, f, false, w) }},
		{Key: "destination", Title: "DESTINATION", Width: 21, Min: 12, Max: 30, Cell: func(b []byte, f *snap.Flow, w int) []byte { return side(b, f, true, w) }},
		{Key: "proto", Title: "PRO", Width: 3, Max: 6, Priority: 2, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			if w < 6 && f.Unanswered {
				return append(b, "SYN"...) // the word for the gutter's "!" where there is no room for FLAGS
			}
			if w < 6 {
				return append(b, format.ProtoShort(f.Key.Proto)...)
			}
			return append(b, format.Proto(f.Key.Proto)...)
		}, Token: func(f *snap.Flow) themes.Token {
			if f.Unanswered {
				return themes.Warn
			}
			return themes.Text
		}},
		{Key: "dev", Title: "DIR DEV", Width: 8, Min: 7, Max: 12, Priority: 3, Cell: dirDev},
		{Key: "process", Title: "PROCESS", Width: 7, Max: 16, Priority: 4, Cell: owner, Token: ownerToken},
	}
}

func rates(env *core.Env, window func() int, ended func() int64) []flowColumn {
	return []flowColumn{
		{Key: "pps", Title: "PPS", Width: 6, Right: true, Priority: 1,
			Cell:  func(b []byte, f *snap.Flow, w int) []byte { return format.AppendSI(b, f.Rates[window()].PPS, w) },
			Token: func(f *snap.Flow) themes.Token { return rateToken(f.Rates[window()]) }},
		{Key: "bps", TitleNow: func() string { return bitTitle(env) }, Width: 6, Right: true, Priority: 1,
			Cell: func(b []byte, f *snap.Flow, w int) []byte {
				return appendBits(b, env, f.Rates[window()].BPS, w)
			},
			Token: func(f *snap.Flow) themes.Token { return rateToken(f.Rates[window()]) }},
		{Key: "trend", Title: "60 s", Width: 8, Max: 10, Priority: 7, NoSort: true,
			Cell:  func(b []byte, f *snap.Flow, w int) []byte { return trend(b, env, f.Trend, w, ended()) },
			Token: func(*snap.Flow) themes.Token { return themes.Spark }},
		{Key: "idle", Title: "LAST", Width: 5, Right: true, Priority: 6,
			Cell:  func(b []byte, f *snap.Flow, w int) []byte { return format.AppendDuration(b, f.Idle) },
			Token: dimWhen(func(f *snap.Flow) bool { return f.Idle.Seconds() >= 10 })},
		{Key: "age", Title: "AGE", Width: 6, Right: true, Priority: 9,
			Cell: func(b []byte, f *snap.Flow, w int) []byte { return format.AppendDuration(b, f.Age) }},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 12,
			Cell: func(b []byte, f *snap.Flow, w int) []byte { return format.AppendSI(b, float64(f.Packets), 6) }},
		{Key: "bytes", Title: "BYTES", Width: 6, Right: true, Priority: 12,
			Cell: func(b []byte, f *snap.Flow, w int) []byte { return format.AppendSI(b, float64(f.Bytes), w) }},
	}
}

func extras(env *core.Env) []flowColumn {
	return []flowColumn{
		{Key: "vlan", Title: "VLAN", Width: 5, Right: true, Priority: 11, Cell: vlan, Token: dimWhen(func(f *snap.Flow) bool { return f.Key.VLAN == 0 })},
		{Key: "flags", Title: "FLAGS", Width: 5, Max: 6, Priority: 5, Cell: flags, Token: func(f *snap.Flow) themes.Token {
			if f.Unanswered {
				return themes.Warn
			}
			return themes.Text
		}},
		{Key: "rtt", Title: "RTT", Width: 6, Right: true, Priority: 10, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			if f.TCP.RTT <= 0 {
				return b
			}
			return format.AppendLatency(b, f.TCP.RTT)
		}},
		{Key: "retrans", Title: "RETR", Width: 5, Right: true, Priority: 10, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			if f.TCP.State == "" {
				return b
			}
			return format.AppendSI(b, float64(f.TCP.Retrans), w)
		}, Token: func(f *snap.Flow) themes.Token {
			if f.TCP.Retrans > 0 {
				return themes.Warn
			}
			return themes.Text
		}},
		{Key: "state", Title: "STATE", Width: 11, Priority: 13, Cell: func(b []byte, f *snap.Flow, w int) []byte { return append(b, f.TCP.State...) }},
		{Key: "container", Title: "CONTAINER", Width: 12, Priority: 14, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			return append(b, format.Clean(f.Owner.Container)...)
		}},
		{Key: "verdict", Title: "VERDICT", Width: 7, Priority: 8, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			return verdict(b, env.Glyphs, f)
		}, Token: verdictToken},
		{Key: "rule", Title: "RULE", Width: 5, Right: true, Priority: 2, Hidden: true, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			return decider(b, env.Glyphs, f)
		}, Token: verdictToken},
		{Key: "vni", Title: "VNI", Width: 8, Right: true, Priority: 15, Cell: func(b []byte, f *snap.Flow, w int) []byte {
			if f.Key.VNI == 0 {
				return b
			}
			return strconv.AppendUint(b, uint64(f.Key.VNI), 10)
		}},
		{Key: "user", Title: "USER", Width: 8, Priority: 16, Cell: func(b []byte, f *snap.Flow, w int) []byte { return append(b, format.Clean(f.Owner.User)...) }},
	}
}

// side writes an endpoint, by name when it is resolved.
func side(b []byte, f *snap.Flow, dst bool, w int) []byte {
	name := f.SrcName
	port := f.Key.SPort
	if dst {
		name, port = f.DstName, f.Key.DPort
	}
	if name == "" || format.IsICMP(f.Key.Proto) {
		return format.AppendEndpoint(b, &f.Key, dst, w)
	}
	name = format.Clean(name)
	if !format.HasPorts(f.Key.Proto) || f.Key.Frag == snap.FragLater {
		return format.AppendMiddle(b, name, w)
	}
	var buf [6]byte
	tail := strconv.AppendUint(append(buf[:0], ':'), uint64(port), 10)
	return append(format.AppendMiddle(b, name, w-len(tail)), tail...)
}

// dirDev writes direction and device; a VLAN tag stands behind the device as in ip-link, and is kept when the name is cut.
func dirDev(b []byte, f *snap.Flow, w int) []byte {
	word := "in  "
	if f.Key.Egress {
		word = "out "
	}
	b = append(b, word...)
	w -= len(word)
	name := format.Clean(f.Device)
	if f.Key.VLAN == 0 {
		return format.AppendMiddle(b, name, w)
	}
	var buf [6]byte
	tail := strconv.AppendUint(append(buf[:0], '.'), uint64(f.Key.VLAN), 10)
	if w-len(tail) < min(len(name), 3) { // no room for the device: the pane has it
		if len(tail) > w {
			b = b[:len(b)-1]
		}
		return append(b, tail...)
	}
	return append(format.AppendMiddle(b, name, w-len(tail)), tail...)
}

// owner writes who holds the socket and how sure that is: nginx, nginx? (a guess), kernel; "you" is this very session.
func owner(b []byte, f *snap.Flow, w int) []byte {
	n := len(b)
	switch f.WayIn {
	case snap.OwnSession:
		b = append(b, "you"...)
	case snap.AccessFlow:
		b = append(b, "access"...)
	}
	o := &f.Owner
	if len(b) > n {
		if w < 10 || o.Comm == "" {
			return b
		}
		b = append(b, ' ')
	}
	w -= len(b) - n
	switch {
	case o.Comm == "" && o.Sure == snap.SureKernel:
		return append(b, "kernel"...)
	case o.Comm == "" && f.Key.VNI != 0 && len(b) == n: // nobody's here: say where it is
		return format.AppendEnd(b, "vni "+strconv.FormatUint(uint64(f.Key.VNI), 10), w)
	case o.Comm == "":
		return b
	}
	name := format.Clean(o.Comm)
	if o.Sure == snap.SureGuess {
		return append(format.AppendEnd(b, name, w-1), '?')
	}
	return format.AppendEnd(b, name, w)
}

func ownerToken(f *snap.Flow) themes.Token {
	switch {
	case f.WayIn == snap.OwnSession:
		return themes.Accent
	case f.WayIn == snap.AccessFlow:
		return themes.InfoTok
	case f.Owner.Sure == snap.SureGuess || f.Owner.Comm == "" && f.Key.VNI != 0 || f.Owner.Sure == snap.SureKernel:
		return themes.TextDim
	}
	return themes.Text
}

func vlan(b []byte, f *snap.Flow, _ int) []byte {
	if f.Key.VLAN == 0 {
		return b
	}
	b = strconv.AppendUint(b, uint64(f.Key.VLAN), 10)
	if f.Key.Stacked {
		b = append(b, '+')
	}
	return b
}

// flags writes TCP flags, or what stands in their place: the part of a fragmented packet.
func flags(b []byte, f *snap.Flow, w int) []byte {
	switch {
	case f.Unanswered:
		return append(b, "SYN?"...)
	case f.Key.Frag != snap.Whole:
		return append(b, "frag"...)
	case f.Key.Proto != 6:
		return b
	}
	return format.AppendTCPFlags(b, f.TCPFlags)
}

func verdict(b []byte, g *themes.Glyphs, f *snap.Flow) []byte {
	switch f.Verdict {
	case "drop":
		b = append(append(b, g.Cross...), ' ')
	case "limit":
		b = append(append(b, g.Limit...), ' ')
	}
	return append(b, f.Verdict...)
}

// decider writes the line of the rule that decides, with the sign of its verdict; a dash: the default, or nothing.
func decider(b []byte, g *themes.Glyphs, f *snap.Flow) []byte {
	switch f.Verdict {
	case "drop":
		b = append(b, g.Cross...)
	case "limit":
		b = append(b, g.Limit...)
	}
	if f.Rule == 0 {
		return append(b, g.Dash...)
	}
	return strconv.AppendInt(b, int64(f.Rule), 10)
}

func verdictToken(f *snap.Flow) themes.Token {
	switch f.Verdict {
	case "drop":
		return themes.Drop
	case "limit":
		return themes.Limit
	}
	return themes.Text
}

func rateToken(r snap.Rate) themes.Token {
	if r.PPS < 0.05 {
		return themes.TextDim
	}
	return themes.Text
}

func dimWhen(when func(*snap.Flow) bool) func(*snap.Flow) themes.Token {
	return func(f *snap.Flow) themes.Token {
		if when(f) {
			return themes.TextDim
		}
		return themes.Text
	}
}

func bitTitle(env *core.Env) string {
	if env.Units.Bytes {
		return "BYTE/S"
	}
	return "BIT/S"
}

// appendBits writes a rate in the units of U.
func appendBits(b []byte, env *core.Env, bps float64, w int) []byte {
	if env.Units.Bytes {
		bps /= 8
	}
	return format.AppendSI(b, bps, w)
}

const trendSeconds = 60

// trend draws the last minute; without motion when that is asked for.
func trend(b []byte, env *core.Env, vals []float32, w int, ended int64) []byte {
	if env.Reduced {
		return b
	}
	return spark.Steps(b, env.Glyphs, vals, w, trendSeconds, ended)
}
