// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/prompt"
)

// review is the panel between staged and applied. Nothing in it starts a trial but t, and enter does nothing.
type review struct {
	full bool // every line of both policies, not only what differs
	down int  // lines scrolled

	asking bool // the host's name is being typed
	host   prompt.Field
	given  string // the name, once it was typed

	canary canary // devices that the trial begins on

	busy bool
	err  string // why the trial did not begin

	diff  compared
	drawn diffKey // what lines were drawn for
	lines []detail.Line
}

// diffKey is what the drawn difference hangs on.
type diffKey struct {
	w          int
	full, done bool
	theme      *themes.Theme
}

// compared is what the draft says otherwise than the policy that stands, found off the screen's goroutine.
type compared struct {
	done  bool
	base  policy.File // what it compares
	file  policy.File
	pairs []policy.Pair
	diff  policy.Difference
}

func (t *Tab) openReview() tea.Cmd {
	switch {
	case t.edit != nil || t.field():
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "review: finish the line first: enter stages it, esc cancels"})
	case t.review != nil:
		return nil
	case !t.known:
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "review: there is no policy yet"})
	case !t.staged.any() && t.cant() != "":
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "review: " + t.cant()})
	case !t.staged.any():
		return toast(core.ToastMsg{Text: "nothing is staged: e edits a line, a adds one"})
	}
	t.review = &review{host: prompt.New()}
	return t.compare()
}

// comparedMsg brings the comparison of the draft.
type comparedMsg struct{ compared }

func (t *Tab) compare() tea.Cmd {
	base, file := t.draft.Base, t.draft.File
	return func() tea.Msg {
		return comparedMsg{compared{done: true, base: base, file: file, pairs: policy.Pairs(base, file), diff: policy.Diff(base, file)}}
	}
}

func (t *Tab) compared(m comparedMsg) {
	if t.review != nil {
		t.credit(m.pairs, m.file)
		t.review.diff, t.review.drawn = m.compared, diffKey{}
	}
}

func (r *review) scroll(n int) { r.down = max(r.down+n, 0) }

// reviewKey takes a key in the review.
func (t *Tab) reviewKey(k tea.KeyPressMsg) tea.Cmd {
	r := t.review
	key := k.String()
	if r.asking {
		if key == "esc" {
			r.asking = false
		} else if r.host.Key(k) {
			r.hostTyped(t.frame.Host)
		}
		return nil
	}
	if r.canary.open {
		return t.canaryKey(k)
	}
	page := max(t.high/2, 1)
	switch key {
	case "c":
		return t.openCanary()
	case "esc":
		t.review = nil
	case "t":
		return t.try()
	case "w":
		return t.export()
	case "m":
		return t.askPrices()
	case "d":
		r.full, r.down = !r.full, 0
	case "j", "down":
		r.scroll(1)
	case "k", "up":
		r.scroll(-1)
	case "pgdown", "ctrl+d":
		r.scroll(page)
	case "pgup", "ctrl+u":
		r.scroll(-page)
	case "g", "home":
		r.down = 0
	case "G", "end":
		r.scroll(1 << 20)
	}
	return nil
}

// hostTyped closes the field as soon as it holds the host's name: no key confirms it, and none starts a trial with it.
func (r *review) hostTyped(host string) {
	if text := strings.TrimSpace(r.host.Value()); text != "" && text == host {
		r.given, r.asking = text, false
	}
}

// mustName says why the host's name is asked for, "" when it is not.
func (t *Tab) mustName() string {
	d := &t.frame.Policy.Draft
	switch {
	case len(d.Cuts) > 0:
		return "it closes a way in"
	case t.frame.State.NoRemote:
		return "there is no remote session to protect"
	}
	return ""
}

// noTrial says why a trial can't begin now.
func (t *Tab) noTrial() string {
	p := &t.frame.Policy
	d := t.checked()
	switch {
	case t.cant() != "":
		return t.cant()
	case t.review.busy:
		return "a trial is beginning"
	case p.Trial.Gen != 0:
		return "a trial runs: C keeps or restores it"
	case p.Canary.Gen != 0:
		return "a canary is watched: C lets the rest follow or rolls it back"
	case t.send.err != "":
		return "the draft was not taken: " + format.Clean(t.send.err)
	case d == nil:
		return "the draft is being checked"
	case len(d.Errors) > 0:
		return "the draft has " + format.Plural(uint64(len(d.Errors)), "error")
	case !t.staged.any():
		return "nothing is staged"
	}
	return t.badCanary()
}

// try starts the trial, or asks for the host's name first.
func (t *Tab) try() tea.Cmd {
	r := t.review
	if r.err = ""; t.noTrial() != "" { // the panel says why
		return nil
	}
	if t.mustName() != "" && r.given == "" {
		r.asking = true
		r.host.Set("")
		return nil
	}
	r.busy, t.tried = true, t.draft.File
	wish := snap.PolicyWish{Seq: t.send.seq, Base: t.frame.Policy.Kept, Host: r.given, Soak: r.canary.soak}
	wish.On, _ = t.first()
	return func() tea.Msg {
		return core.DoMsg{Intent: snap.Intent{Kind: snap.CommitPolicy, Policy: wish}, Quiet: true}
	}
}

func (t *Tab) committed(msg core.AnswerMsg) tea.Cmd {
	r := t.review
	if r == nil { // closed meanwhile
		if msg.Answer.Err == "" {
			return nil
		}
		return toast(core.ToastMsg{Sev: snap.Crit, Text: msg.Answer.Err})
	}
	if r.busy = false; msg.Answer.Err != "" {
		r.err = format.Clean(msg.Answer.Err)
		return nil
	}
	t.review = nil
	return nil
}

// export writes the draft to a new file, for a ticket or another host.
func (t *Tab) export() tea.Cmd {
	file, at := t.draft.File, t.env.Now()
	return func() tea.Msg {
		return export.File("draft", "acl", at, format.Plural(uint64(file.Len()), "line"), func() ([]byte, error) { return []byte(file.String()), nil })
	}
}

// fullHelp says what d does now.
func (t *Tab) fullHelp() string {
	if t.review.full {
		return "only changes"
	}
	return "full diff"
}

func (t *Tab) reviewBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.reviewKey(keys.Press(name)) }
	}
	if t.review.asking {
		return []core.Binding{
			{Keys: []string{"esc"}, Name: "review.noname", Help: "no trial", Section: own, Hint: 1, Do: press("esc")},
			{Keys: []string{"ctrl+u"}, Name: "review.clear", Help: "clear", Section: own, Hint: 2, Do: press("ctrl+u")},
		}
	}
	if t.review.canary.open {
		return t.canaryBindings()
	}
	return []core.Binding{
		{Keys: []string{"t"}, Name: "review.trial", Help: "trial", Section: own, Hint: 1, Disabled: t.noTrial(), Do: press("t")},
		{Keys: []string{"c"}, Name: "review.canary", Help: "canary", Section: own, Hint: 2, Disabled: t.noCanary(), Do: press("c")},
		{Keys: []string{"d"}, Name: "review.full", Help: t.fullHelp(), Section: own, Hint: 3, Do: press("d")},
		{Keys: []string{"w"}, Name: "review.write", Help: "write draft", Section: own, Hint: 5, Do: press("w")},
		{Keys: []string{"m"}, Name: "review.price", Help: "measure the price by stage", Section: own, Disabled: t.noPrices(), Do: press("m")},
		{Keys: []string{"j", "down"}, Name: "review.down", Help: "scroll", Section: own, Hint: 4, Do: press("j")},
		{Keys: []string{"k", "up"}, Name: "review.up", Help: "scroll", Section: own, Do: press("k")},
		{Keys: []string{"esc"}, Name: "review.close", Help: "back", Section: own, Hint: 6, Do: press("esc")},
	}
}
