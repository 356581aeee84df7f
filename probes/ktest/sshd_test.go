// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

// A way in that is cut and mended: new connections are told apart, and the held session says late what was said meanwhile.
func TestSSHDTellsOfACut(t *testing.T) {
	HostState(t)
	host, client := pair(t)
	host.WaitUp(t, "a0")
	client.WaitUp(t, "b0")
	s := StartSSHD(t, host, "192.0.2.1")
	l := s.Hold(t, client)
	l.Say(t, "before")
	l.Expect(t, "before")
	s.Admitted(t, client) // nothing is in its way
	if err := host.NL.LinkSetDown(host.Link(t, "a0")); err != nil {
		t.Fatal(err)
	}
	l.Say(t, "during")
	if s.Admits(client) {
		t.Error("a new connection got in through a device that is down")
	}
	select {
	case line := <-l.Heard:
		t.Errorf("the session said %q through a device that is down", line)
	default:
	}
	host.Up(t, "a0")
	mended := s.Admitted(t, client)
	t.Logf("the session went on %v after the first new connection", l.Expect(t, "during").Sub(mended))
	out, err := output(client, s)
	if err != nil || out != "in\n" {
		t.Errorf("a login after it: %q %v", out, err)
	}
}

// output runs a command by a new login.
func output(from *NS, s *SSHD) (string, error) {
	cmd := s.Command(false, "echo in")
	var out []byte
	err := from.Run(func() (err error) { out, err = cmd.Output(); return err })
	return string(out), err
}
