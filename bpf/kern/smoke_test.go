package kern
import ("testing";"time")
func TestSmoke(t *testing.T) {
	t0:=time.Now()
	p, err := Open(Options{})
	if err != nil { t.Fatalf("%+v", err) }
	defer p.Close()
	t.Log(time.Since(t0), p.hz, p.Sizes(), p.Sizes().Bytes())
	for _, h := range []Hook{XDPGeneric, TCIngress, TCEgress} {
		prog, err := p.Load(Device{Index:1,Name:"x",Slot:1}, h)
		if err != nil { t.Fatalf("%+v", err) }
		s, err := DescribeProgram(prog)
		t.Logf("%+v %v", s, err)
	}
	for _, f := range Features() { t.Logf("%+v", f) }
	t.Log(p.Clock())
	t.Log(p.Counters())
	t0=time.Now()
	p.Table().Scan(func(*Entry) bool {return true})
	t.Log(p.Table().Slots(), time.Since(t0))
}
