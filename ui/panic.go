// SPDX-License-Identifier: Apache-2.0

package ui

import "fmt"

// PanicError is a panic of the screen or one of its commands, reported after the terminal was restored. %+v prints the
// stack too.
type PanicError struct {
	Where string // "update", "view", "command", "signals" …
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("the screen failed in %s: %v (nothing of the host was changed by this; the stack follows with %%+v)", e.Where, e.Value)
}
