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
	ends               time.Time // of the lease
	canary             bool      // the trial is on eth1 only
	soak               time.Duration
	until              time.Time // of the soak, zero: it has not begun
	began              time.Time // of the trial
	looks              []time.Time
	worse              time.Time // look at which something had got worse
	normal, talking    int       // flows before the commit, and of the latest look
	now                time.Time

	soaks, followed, failed, hushed, stalled int
}

func (w *twin) pass(d time.Duration) {
	w.now = w.now.Add(d)
	if w.trial != "" && !w.now.Before(w.ends) {
		if w.soaking() {
			w.stalled++
		}
		w.end()
	}
}

func (w *twin) end() { w.trial, w.canary, w.until = "", false, time.Time{} }

func (w *twin) soaking() bool { return !w.until.IsZero() }

// follow is the end of a trial that all devices take.
func (w *twin) follow() {
	if w.draft == w.trial {
		w.draft = ""
	}
	w.kept = w.trial
	w.end()
}

// failing says whether something got worse in the seconds that count, and whether enough of them have passed.
func (w *twin) failing() bool {
	since := w.now.Add(-checkWindow)
	if w.began.After(since) {
		since = w.began
	}
	var from time.Time
	for _, at := range w.looks {
		if !at.After(since) {
			from = at
		}
	}
	return w.now.Sub(from) >= leastWindow && (w.worse.After(since) || w.quiet())
}

// quiet says whether flows have gone: none of them talks, and the looks of the last seconds came as they should.
func (w *twin) quiet() bool {
	for i := 1; i < len(w.looks); i++ {
		if w.looks[i].After(w.now.Add(-flowsAgain)) && w.looks[i].After(w.looks[i-1].Add(mostApart)) {
			return false
		}
	}
	return w.normal > 0 && w.talking == 0
}

// health is a look at the host.
func (w *twin) health(worse bool, talking int) {
	w.looks, w.talking = append(w.looks, w.now), talking
	if worse {
		w.worse = w.now
	}
	switch {
	case !w.soaking():
	case w.failing():
		w.failed++
		if w.quiet() {
			w.hushed++
		}
		w.end()
	case !w.now.Before(w.until):
		w.followed++
		w.follow()
	default:
		w.ends = w.now.Add(soakLease)
	}
}

// decides says what decides on eth0 and on eth1.
func (w *twin) decides() (rest, canary string) {
	switch {
	case w.trial == "":
		return w.kept, w.kept
	case w.canary:
		return w.kept, w.trial
	}
	return w.trial, w.trial
}

// machine runs random events on a service and on its twin.
type machine struct {
	*rig
	w       twin
	r       *rand.Rand
	errors  uint64 // of the latest bad second
	talking int    // flows
	log     []string
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
	switch m.r.IntN(17) {
	case 0, 1:
		text := []string{"", "deny in tcp to any port 23\n", "default in deny\n", "deny everything\n", "limit in udp rate 5/s per source burst 9\n"}[m.r.IntN(5)]
		m.stage(text)
	case 2, 3:
		m.commitOne()
	case 4:
		m.keepIt()
	case 5:
		code, right := "wrong", false
		if t := m.s.View(false).Trial; t.Code != "" && m.r.IntN(2) == 0 {
			code, right = t.Code, true
		}
		ok := right && m.w.trial != ""
		ok = ok && !m.w.soaking()
		m.is(m.s.keepFrom(code, actor{Who: "other", Fresh: true}), ok, "keep "+code)
		m.keep(ok)
	case 6:
		m.is(m.s.Restore(), m.w.trial != "", "restore")
		m.w.end()
	case 7:
		lease := time.Duration(m.r.IntN(70)) * time.Second
		ok := m.w.trial != "" && lease <= MaxLease
		m.is(m.s.Extend(lease), ok, "extend")
		if lease == 0 {
			lease = DefaultLease
		}
		switch {
		case ok && m.w.soaking():
			m.w.until = m.w.now.Add(m.w.soak)
		case ok:
			m.w.ends = m.w.now.Add(lease)
		}
	case 8, 9:
		d := time.Duration(m.r.IntN(20000)) * time.Millisecond
		m.pass(d)
		m.w.pass(d)
	case 10:
		m.login(m.r.IntN(3), m.r.IntN(4) > 0)
	case 11:
		m.s.Count()
	case 12, 13:
		for range m.r.IntN(12) {
			m.second(false)
		}
	case 14:
		m.second(true)
	case 15:
		m.vanish()
	case 16:
		m.hush()
	}
}

func (m *machine) stage(text string) {
	m.is(m.s.Stage(snap.PolicyWish{Text: text, Base: m.s.kept.id}, nil), true, "stage "+text)
	m.w.draft = text
}

func (m *machine) keepIt() {
	m.is(m.s.Keep(""), m.w.trial != "", "keep")
	m.keep(m.w.trial != "")
}

// login has sessions of so many peers, and devices that come and go. The guard lets them in when the policy is written anew.
func (m *machine) login(peers int, rewrite bool) {
	w := twoDevices()
	w.Devices["eth9"] = uint16(m.r.IntN(3))
	for i := range peers {
		w.Ways = append(w.Ways, ssh(fmt.Sprintf("10.0.0.%d", 8+i), uint16(50000+m.r.IntN(3))))
	}
	if m.s.Look(w) && rewrite {
		if err := m.s.Rewrite(); err != nil {
			m.t.Fatal(err)
		}
	}
}

// watched begins a soak during which somebody logs in whom the guard does not let in yet: no reason to go back.
func (m *machine) watched() {
	m.stage("default in deny\n")
	m.commit(snap.PolicyWish{Base: m.s.kept.id, Lease: time.Minute, Host: "gate", On: []string{"eth1"}, Soak: 3 * time.Second}, true)
	m.keepIt()
	m.login(1, false)
}

// second lets a second pass and looks at the host, which may be doing badly.
func (m *machine) second(bad bool) {
	m.pass(time.Second)
	m.w.pass(time.Second)
	bad = bad && m.errors < 1e15
	if bad {
		m.errors *= 1000 // what was bad before is normal by then
	}
	m.look(func(h *snap.Health) {
		h.Talking = map[string]int{"eth1": m.talking}
		if bad {
			d := h.Devices["eth1"]
			d.Errors += m.errors
			h.Devices["eth1"] = d
		}
	})
	m.w.health(bad, m.talking)
}

// hush ends all flows, or has them begin again, often while everything stands still.
func (m *machine) hush() {
	m.talking = 2*leastFlows - m.talking
	d := time.Duration(m.r.IntN(5000)) * time.Millisecond
	m.pass(d)
	m.w.pass(d)
	m.second(false)
}

// vanish takes eth1 away for a moment.
func (m *machine) vanish() {
	m.s.Look(World{Devices: map[string]uint16{"eth0": 1}})
	if m.w.canary {
		m.w.end()
	}
	m.s.Look(twoDevices())
}

func (m *machine) commitOne() {
	base, lease := m.s.kept.id, time.Duration(1+m.r.IntN(60))*time.Second
	stale := m.r.IntN(5) == 0
	if stale {
		base += 1000
	}
	valid := m.w.draft != "" && m.w.draft != "deny everything\n"
	ok := valid && !stale && m.w.trial == "" && m.w.draft != m.w.kept
	wish := snap.PolicyWish{Base: base, Lease: lease, Host: "gate"}
	if m.r.IntN(2) == 0 {
		wish.On, wish.Soak = []string{"eth1"}, time.Duration(1+m.r.IntN(40))*time.Second
	}
	m.commit(wish, ok)
}

func (m *machine) commit(wish snap.PolicyWish, ok bool) {
	m.is(m.s.Commit(wish), ok, "commit")
	if ok {
		m.w.trial, m.w.began, m.w.ends = m.w.draft, m.w.now, m.w.now.Add(wish.Lease)
		m.w.canary, m.w.soak, m.w.normal = wish.On != nil, wish.Soak, m.w.talking
	}
}

func (m *machine) keep(ok bool) {
	if !ok {
		return
	}
	if m.w.canary && !m.w.soaking() {
		m.w.until, m.w.ends = m.w.now.Add(m.w.soak), m.w.now.Add(soakLease)
		m.w.soaks++
		return
	}
	m.w.follow()
}

// text gives the text of a generation as the plane knows it.
func (m *machine) text(gen uint32) string {
	p := m.plane.written[gen]
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
	return text
}

// agree compares what the plane decides by on each device with what the twin says.
func (m *machine) agree() {
	m.t.Helper()
	rest, canary := m.w.decides()
	for i, want := range []string{rest, canary} {
		if text := m.text(m.plane.State()[i].Gen); text != want {
			m.t.Fatalf("the plane decides by %q on eth%d, the twin by %q\n%+v\n%s", text, i, want, m.w, m.tail())
		}
	}
	m.s.Look(m.s.world)
	v := m.s.View(true)
	if (v.Trial.Gen != 0) != (m.w.trial != "" && !m.w.soaking()) || (v.Canary.Gen != 0) != m.w.soaking() || v.Draft.Text != m.w.draft {
		m.t.Fatalf("view %+v, twin %+v\n%s", v, m.w, m.tail())
	}
}

// Random sequences of events, most of them short, some long: a million in make test-faults.
func TestMachineAgreesWithItsTwin(t *testing.T) {
	const chunk = 1000
	sequences, steps := ktest.Rounds(t, 800), 0
	var saw twin
	for first := 0; first < sequences; first += chunk {
		t.Run(fmt.Sprintf("from%d", first), func(t *testing.T) {
			r := newRig(t, func(o *Options) { o.Draft, o.State, o.Audit, o.Door = "", "", "", "" })
			for seed := first; seed < min(sequences, first+chunk); seed++ {
				n, w := sequence(r, uint64(seed))
				steps += n
				saw.soaks, saw.followed, saw.failed, saw.stalled = saw.soaks+w.soaks, saw.followed+w.followed, saw.failed+w.failed, saw.stalled+w.stalled
				saw.hushed += w.hushed
			}
		})
	}
	if t.Failed() {
		return
	}
	t.Logf("%d sequences, %d events, no difference; %d soaks: the rest followed %d times, a check failed %d times, %d of them that of quiet flows, the engine stalled %d times",
		sequences, steps, saw.soaks, saw.followed, saw.failed, saw.hushed, saw.stalled)
	if saw.followed == 0 || saw.failed == saw.hushed || saw.hushed == 0 || saw.stalled == 0 {
		t.Error("not everything was tried")
	}
}

// sequence runs one, on a service that has ended or was not used yet, and ends it.
func sequence(r *rig, seed uint64) (steps int, saw twin) {
	if r.s.ended {
		r.notices = nil
		r.start()
	}
	m := &machine{rig: r, r: rand.New(rand.NewPCG(seed, 4))}
	m.w.now, m.errors, m.talking = m.clock, 1, 2*leastFlows
	m.s.Look(twoDevices())
	for range 4 {
		m.second(false)
	}
	steps = 1 + m.r.IntN(20)
	if seed%10 == 0 { // soaks take their time
		steps = 120
	}
	if seed%20 == 0 {
		m.watched()
	}
	for range steps {
		m.step()
		m.agree()
	}
	if err := m.s.End(); err != nil {
		m.t.Fatal(err)
	}
	m.w.trial = ""
	if got := m.plane.decides(); m.plane.trial != m.plane.kept {
		m.t.Fatalf("seed %d: the end left generation %d on trial\n%s", seed, got, m.tail())
	}
	return steps, m.w
}
