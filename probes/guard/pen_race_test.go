// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"hooktop/probes/ktest"
)

// A start beside another one's clean-up, or beside the watcher of a run that was killed just now: that one holds a lock
// for a moment, and is no other writer.
func TestNobodyIsInTheWayOfAStartBesideAReclaim(t *testing.T) {
	dir, h := newDir(t)
	ended := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					if _, err := Reclaim(dir, h); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 300 {
		pen, err := TakePen(dir)
		if err != nil {
			t.Errorf("take the pen that nobody holds: %v", err)
			break
		}
		j, err := OpenJournal(dir)
		if err != nil {
			t.Errorf("open the journal: %v", err)
		} else if err := j.Drop(); err != nil {
			t.Error(err)
		}
		if err := pen.Drop(); err != nil || t.Failed() {
			t.Error(err)
			break
		}
	}
	close(ended)
	all.Wait()
}

// racer takes the pen when it is told to, says whether it has it, and gives it back when it is told to.
func racer(dir string) error {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var held *HeldError
		pen, err := TakePen(dir)
		for errors.As(err, &held) && held.By.PID == 0 { // the winner stands still before it has written who it is
			pen, err = TakePen(dir)
		}
		switch {
		case err == nil:
			fmt.Println("won", os.Getpid())
		case errors.As(err, &held):
			fmt.Println("held", held.By.PID)
		default:
			return err
		}
		if !in.Scan() {
			return nil
		}
		if err := pen.Drop(); err != nil {
			return err
		}
		fmt.Println("dropped", 0)
	}
	return nil
}

// Two and ten processes reach for the pen at once: exactly one gets it, and the others name it.
func TestExactlyOneOfManyTakesThePen(t *testing.T) {
	for _, n := range []int{2, 10} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir, _ := newDir(t)
			racers := make([]*exec.Cmd, n)
			ins, outs := make([]io.WriteCloser, n), make([]io.Reader, n)
			for i := range racers {
				cmd := exec.Command("/proc/self/exe", racerPart, dir)
				cmd.Stderr = os.Stderr
				in, err1 := cmd.StdinPipe()
				out, err2 := cmd.StdoutPipe()
				if err := errors.Join(err1, err2, cmd.Start()); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it has ended, unless the test failed
				racers[i], ins[i], outs[i] = cmd, in, bufio.NewReader(out)
			}
			all := func() (words []string, pids []int) {
				for _, in := range ins {
					fmt.Fprintln(in)
				}
				for i := range racers {
					var word string
					var pid int
					if _, err := fmt.Fscan(outs[i], &word, &pid); err != nil {
						t.Fatalf("racer %d: %v", i, err)
					}
					words, pids = append(words, word), append(pids, pid)
				}
				return words, pids
			}
			wins := map[int]int{}
			races := ktest.Rounds(t, 200)
			for race := range races {
				words, pids := all()
				winner := 0
				for i, word := range words {
					if word == "won" && winner != 0 {
						t.Fatalf("race %d: two have the pen: %v %v", race, words, pids)
					}
					if word == "won" {
						winner = pids[i]
					}
				}
				for i, word := range words {
					if winner == 0 || word == "held" && pids[i] != winner {
						t.Fatalf("race %d: %v %v", race, words, pids)
					}
				}
				wins[winner]++
				all()
			}
			for i, in := range ins {
				in.Close()
				if err := racers[i].Wait(); err != nil {
					t.Errorf("racer %d: %v", i, err)
				}
			}
			t.Logf("%d races of %d: won %v", races, n, wins)
		})
	}
}
