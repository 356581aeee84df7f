// SPDX-License-Identifier: Apache-2.0

package format

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestCuts(t *testing.T) {
	for _, c := range []struct {
		cut     func([]byte, string, int) []byte
		s, name string
		w       int
		want    string
	}{
		{AppendMiddle, "enp129s0f1", "middle", 6, "enp…f1"},
		{AppendMiddle, "enp129s0f1", "middle", 10, "enp129s0f1"},
		{AppendMiddle, "брандмауэр0", "middle", 7, "бра…эр0"},
		{AppendMiddle, "müller", "middle", 6, "müller"},
		{AppendMiddle, "世界世界世界", "middle", 8, "世界…界"},
		{AppendMiddle, "ab", "middle", 0, ""},
		{AppendMiddle, "世界", "middle", 1, ""},
		{AppendEnd, "systemd-resolve", "end", 8, "systemd…"},
		{AppendEnd, "прокси-сервер", "end", 7, "прокси…"},
		{AppendEnd, "日本語プロセス", "end", 8, "日本語…"},
		{AppendEnd, "été", "end", 3, "été"},
		{AppendEnd, "", "end", -1, ""},
	} {
		if got := string(c.cut(nil, c.s, c.w)); got != c.want {
			t.Errorf("%s of %q in %d: %q, want %q", c.name, c.s, c.w, got, c.want)
		}
	}
}

// FuzzCuts: whatever the name and the room, the result is whole runes, no wider than the room, and made of the name's ends.
func FuzzCuts(f *testing.F) {
	for _, s := range []string{"enp129s0f1", "世界", "брандмауэр", "e\u0301", "🏴", "ﬀ", "…", "a\xffb", "ｶﾞ"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, w int) {
		s, w = Clean(s), w%200
		for name, cut := range map[string]func([]byte, string, int) []byte{"middle": AppendMiddle, "end": AppendEnd} {
			got := string(cut(nil, s, w))
			if !utf8.ValidString(got) || ansi.StringWidth(got) > max(w, 0) {
				t.Errorf("%s of %q in %d: %q, %d cells", name, s, w, got, ansi.StringWidth(got))
			}
			before, after, was := strings.Cut(got, "…")
			if got != s && (!strings.HasPrefix(s, before) || was && !strings.HasSuffix(s, after)) && !strings.Contains(s, "…") {
				t.Errorf("%s of %q in %d: %q", name, s, w, got)
			}
		}
	})
}
