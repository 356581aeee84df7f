// SPDX-License-Identifier: Apache-2.0

package bench

// Curve is how a cost grows: one picture.
type Curve struct {
	Name  string `json:"name"` // of the picture's file, without its ending
	Part  string `json:"part"` // as in Row.Part
	Day   string `json:"day"`
	Title string `json:"title"`
	X     string `json:"x"` // what the axis counts
	Y     string `json:"y"` // with its unit
	Lines []Line `json:"lines"`
}

// Line is one competitor's cost, ours first.
type Line struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one size, as the median of rounds.
type Point struct {
	X   float64 `json:"x"`
	Y   float64 `json:"y"`
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

// At makes a point out of one value a round.
func At(x float64, rounds []float64) Point {
	y := Median(rounds)
	p := Point{X: x, Y: y, Min: y, Max: y}
	for _, v := range rounds {
		p.Min, p.Max = min(p.Min, v), max(p.Max, v)
	}
	return p
}

// Add appends a point to the line of a name, which begins with it.
func (c *Curve) Add(name string, p Point) {
	for i := range c.Lines {
		if c.Lines[i].Name == name {
			c.Lines[i].Points = append(c.Lines[i].Points, p)
			return
		}
	}
	c.Lines = append(c.Lines, Line{Name: name, Points: []Point{p}})
}
