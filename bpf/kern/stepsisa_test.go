// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"math/bits"
	"testing"

	"github.com/cilium/ebpf/asm"
)

// The instructions of BPF (RFC 9669) that a stepper knows.

func (m *stepper) operand(ins *asm.Instruction) uint64 {
	if ins.OpCode.Source() == asm.RegSource {
		return m.regs[ins.Src]
	}
	return uint64(ins.Constant)
}

func (m *stepper) calculate(t *testing.T, ins *asm.Instruction) {
	t.Helper()
	a, b, wide := m.regs[ins.Dst], m.operand(ins), ins.OpCode.Class() == asm.ALU64Class
	mask := uint64(63)
	if !wide {
		a, b, mask = uint64(uint32(a)), uint64(uint32(b)), 31
	}
	switch op := ins.OpCode.ALUOp(); op {
	case asm.Mov:
		a = b
	case asm.Add:
		a += b
	case asm.Sub:
		a -= b
	case asm.Mul:
		a *= b
	case asm.Or:
		a |= b
	case asm.And:
		a &= b
	case asm.Xor:
		a ^= b
	case asm.Neg:
		a = -a
	case asm.LSh:
		a <<= b & mask
	case asm.RSh:
		a >>= b & mask
	case asm.ArSh:
		if wide {
			a = uint64(int64(a) >> (b & mask))
		} else {
			a = uint64(int32(a) >> (b & mask))
		}
	case asm.Swap: // to network order, of so many bits
		a, wide = bits.ReverseBytes64(a)>>(64-ins.Constant), true
	default:
		t.Fatalf("%v: not known", ins)
	}
	if !wide {
		a = uint64(uint32(a))
	}
	m.regs[ins.Dst] = a
}

func (m *stepper) move(t *testing.T, ins *asm.Instruction) {
	t.Helper()
	n := ins.OpCode.Size().Sizeof()
	var word [8]byte
	switch ins.OpCode.Class() {
	case asm.LdXClass:
		from := m.regs[ins.Src] + uint64(int64(ins.Offset))
		if from>>32 == 0 { // the context: what it says are whole addresses
			m.regs[ins.Dst] = m.ctx[int64(from)]
			return
		}
		copy(word[:], m.bytes(from, n))
		m.regs[ins.Dst] = binary.LittleEndian.Uint64(word[:])
	default:
		value := m.regs[ins.Src]
		if ins.OpCode.Class() == asm.StClass {
			value = uint64(ins.Constant)
		}
		binary.LittleEndian.PutUint64(word[:], value)
		copy(m.bytes(m.regs[ins.Dst]+uint64(int64(ins.Offset)), n), word[:])
	}
}

// help is what the kernel does for a program.
func (m *stepper) help(t *testing.T, f asm.BuiltinFunc) {
	t.Helper()
	switch f {
	case asm.FnMapLookupElem: // of an array: r1 is where its values begin
		for name, at := range m.pieces {
			if at == m.regs[asm.R1] {
				m.regs[asm.R0] = at + uint64(binary.LittleEndian.Uint32(m.bytes(m.regs[asm.R2], 4)))*uint64(m.spec.Maps[name].ValueSize)
			}
		}
	case asm.FnGetSmpProcessorId:
		m.regs[asm.R0] = m.cpu
	case asm.FnXdpAdjustHead:
		m.ctx[0] += m.regs[asm.R2]
		m.regs[asm.R0] = 0
	case asm.FnJiffies64:
		m.regs[asm.R0] = stepJiffies
	default:
		t.Fatalf("%v: not known", f)
	}
}

func (m *stepper) jumps(t *testing.T, ins *asm.Instruction) bool {
	t.Helper()
	a, b := m.regs[ins.Dst], m.operand(ins)
	x, y := int64(a), int64(b)
	if ins.OpCode.Class() == asm.Jump32Class {
		a, b, x, y = uint64(uint32(a)), uint64(uint32(b)), int64(int32(a)), int64(int32(b))
	}
	switch ins.OpCode.JumpOp() {
	case asm.Ja:
		return true
	case asm.JEq:
		return a == b
	case asm.JNE:
		return a != b
	case asm.JGT:
		return a > b
	case asm.JGE:
		return a >= b
	case asm.JLT:
		return a < b
	case asm.JLE:
		return a <= b
	case asm.JSGT:
		return x > y
	case asm.JSGE:
		return x >= y
	case asm.JSLT:
		return x < y
	case asm.JSLE:
		return x <= y
	case asm.JSet:
		return a&b != 0
	}
	t.Fatalf("%v: not known", ins)
	return false
}
