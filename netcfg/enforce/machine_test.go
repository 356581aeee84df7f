// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// twin is the state machine as slowly as it can be said.
type twin struct {
	kept, trial, draft string
	ends               time.Time
	now                time.Time
}

func (w *twin) pass(d time.Duration) {
	w.now = w.now.Add(d)
	if w.trial != "" && !w.now.Before(w.ends) {
		w.trial = ""
	}
}

func (w *twin) decides() string {
	if w.trial != "" {
		return w.trial
	}
	return w.kept
}

// machine runs random events on a service and on its twin.
type machine struct {
	*rig
	w     twin
	r     *rand.Rand
	texts map[uint32]string // by generation, as the plane knows it
	log   []string
}

func (m *machine) is(a snap.Answer, want bool, what string) {
	m.t.Helper()
	m.log = append(m.log, fmt.Sprintf("%s: %+v", what, a))
	if (a.Err == "") != want {
		m.t.Fatalf("%s: %+v, the twin says %v\n%s", what, a, want, m.tail())
	}
}

func (m *machine) tail() string {
	out := ""
	for _, l := range m.log[max(0, len(m.log)-12):] {
		out += l + "\n"
	}
	return out
}

func (m *machine) step() {
	switch m.r.IntN(12) {
	case 0, 1:
		text := []string{"", "deny in tcp to any port 23\n", "default in deny\n", "deny everything\n", "limit in udp rate 5/s per source burst 9\n"}[m.r.IntN(5)]
		m.is(m.s.Stage(snap.PolicyWish{Text: text, Base: m.s.kept.id}, nil), true, "stage "+text)
		m.w.draft = text
	case 2, 3:
		m.commitOne()
	case 4:
		m.is(m.s.Keep(""), m.w.trial != "", "keep")
		m.keep(m.w.trial != "")
	case 5:
		code, right := "wrong", false
		if t := m.s.View(false).Trial; t.Code != "" && m.r.IntN(2) == 0 {
			code, right = t.Code, true
		}
		ok := right && m.w.trial != ""
		m.is(m.s.keepFrom(code, actor{Who: "other", Fresh: true}), ok, "keep "+code)
		m.keep(ok)
	case 6:
		m.is(m.s.Restore(), m.w.trial != "", "restore")
		m.w.trial = ""
	case 7:
		lease := time.Duration(m.r.IntN(70)) * time.Second
		ok := m.w.trial != "" && lease <= MaxLease
		m.is(m.s.Extend(lease), ok, "extend")
		if lease == 0 {
			lease = DefaultLease
		}
		if ok {
			m.w.ends = m.w.now.Add(lease)
		}
	case 8, 9:
		d := time.Duration(m.r.IntN(20000)) * time.Millisecond
		m.pass(d)
		m.w.pass(d)
	case 10:
		w := World{Devices: map[string]uint16{"eth0": uint16(m.r.IntN(3))}}
		for i := range m.r.IntN(3) {
			w.Ways = append(w.Ways, ssh(fmt.Sprintf("10.0.0.%d", 8+i), uint16(50000+m.r.IntN(3))))
		}
		if m.s.Look(w) && m.r.IntN(4) > 0 {
			if err := m.s.Rewrite(); err != nil {
				m.t.Fatal(err)
			}
		}
	case 11:
		m.s.Count()
	}
}

func (m *machine) commitOne() {
	base, lease := m.s.kept.id, time.Duration(1+m.r.IntN(60))*time.Second
	stale := m.r.IntN(5) == 0
	if stale {
		base += 1000
	}
	valid := m.w.draft != "" && m.w.draft != "deny everything\n"
	ok := valid && !stale && m.w.trial == "" && m.w.draft != m.w.kept
	m.is(m.s.Commit(snap.PolicyWish{Base: base, Lease: lease, Host: "gate"}), ok, "commit")
	if ok {
		m.w.trial, m.w.ends = m.w.draft, m.w.now.Add(lease)
	}
}

func (m *machine) keep(ok bool) {
	if !ok {
		return
	}
	if m.w.draft == m.w.trial {
		m.w.draft = ""
	}
	m.w.kept, m.w.trial = m.w.trial, ""
}

// agree compares what the plane decides by with what the twin says.
func (m *machine) agree() {
	m.t.Helper()
	p := m.plane.written[m.plane.decides()]
	got := acl.Policy{In: p.In, Out: p.Out, Rules: p.Rules}
	text := ""
	if got.In == acl.Deny {
		text = "default in deny\n"
	}
	for i := range got.Rules {
		switch got.Rules[i].Action {
		case acl.Deny:
			text += "deny in tcp to any port 23\n"
		case acl.Limit:
			text += "limit in udp rate 5/s per source burst 9\n"
		}
	}
	if text != m.w.decides() {
		m.t.Fatalf("the plane decides by %q, the twin by %q\n%s", text, m.w.decides(), m.tail())
	}
	m.s.Look(m.s.world)
	if v := m.s.View(true); (v.Trial.Gen != 0) != (m.w.trial != "") || v.Draft.Text != m.w.draft {
		m.t.Fatalf("view %+v, twin %+v\n%s", v, m.w, m.tail())
	}
}

// Random sequences of events, most of them short, some long: a million in make test-faults.
func TestMachineAgreesWithItsTwin(t *testing.T) {
	const chunk = 1000
	sequences, steps := ktest.Rounds(t, 800), 0
	for first := 0; first < sequences; first += chunk {
		t.Run(fmt.Sprintf("from%d", first), func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Draft, o.State, o.Audit, o.Door = "", "", "", "" })
			for seed := first; seed < min(sequences, first+chunk); seed++ {
				steps += sequence(r, uint64(seed))
			}
		})
	}
	t.Logf("%d sequences, %d events, no difference", sequences, steps)
}

// sequence runs one, on a service that has ended or was not used yet, and ends it.
func sequence(r *rig, seed uint64) (steps int) {
	if r.s.ended {
		r.notices = nil
		r.start()
	}
	m := &machine{rig: r, r: rand.New(rand.NewPCG(seed, 4))}
	m.w.now = m.clock
	steps = 1 + m.r.IntN(20)
	if seed%100 == 0 {
		steps = 120
	}
	for range steps {
		m.step()
		m.agree()
	}
	if err := m.s.End(); err != nil {
		m.t.Fatal(err)
	}
	if got := m.plane.decides(); m.plane.trial != m.plane.kept {
		m.t.Fatalf("seed %d: the end left generation %d on trial\n%s", seed, got, m.tail())
	}
	return steps
}
