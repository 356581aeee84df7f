// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"runtime/debug"
)

// PanicError is a panic turned into an error.
type PanicError struct {
	Where string
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Where, e.Value) }

// Format of %+v adds the stack.
func (e *PanicError) Format(s fmt.State, verb rune) {
	fmt.Fprint(s, e.Error())
	if verb == 'v' && s.Flag('+') {
		fmt.Fprintf(s, "\n%s", e.Stack)
	}
}

// Go runs f on a goroutine of its own. What it returns, or panics with, goes to report; nil is reported too. The channel
// closes after that.
func Go(ctx context.Context, name string, f func(context.Context) error, report func(error)) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		report(Guarded(name, func() error { return f(ctx) }))
	}()
	return done
}

// Guarded calls f and turns a panic into a *PanicError.
func Guarded(name string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Where: name, Value: r, Stack: debug.Stack()}
		}
	}()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
