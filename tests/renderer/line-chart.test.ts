import { describe, expect, it } from 'vitest'
import { keepInside, placeLetters } from '#renderer/components/chart-letters.ts'
import { endsAtBorder, isUpmost, markedLine, nearestLine } from '#renderer/components/line-chart-view.ts'

const chart = { width: 320, height: 330 }
const label = { width: 115, height: 14 }

describe('labels of the chart', () => {
  it('stand inside the plot wherever a line ends', () => {
    for (const x of [-200, 0, 60, 200, 319, 900])
      for (const y of [-50, 0, 100, 329, 600]) {
        const put = keepInside({ ...label, x, y }, chart)
        expect(put.x, `x ${x}`).toBeGreaterThanOrEqual(52)
        expect(put.x + label.width, `x ${x}`).toBeLessThanOrEqual(chart.width)
        expect(put.y, `y ${y}`).toBeGreaterThanOrEqual(28)
        expect(put.y + label.height, `y ${y}`).toBeLessThanOrEqual(chart.height - 52)
      }
  })

  it('stand below the words of a mark and of a border', () => {
    expect(keepInside({ ...label, x: 100, y: 10 }, chart).y).toBe(28)
    expect(keepInside({ ...label, x: 100, y: 10 }, chart, 46).y).toBe(46)
  })

  it('stay where they were put as long as there is room', () => {
    expect(keepInside({ ...label, x: 100, y: 90 }, chart)).toMatchObject({ x: 100, y: 90 })
  })

  it('stand above the line that ends highest and below the others', () => {
    const line = (...ends: number[]) => ({
      name: '',
      isMain: false,
      points: ends.map((y, x) => [x, y] as const),
    })
    const lines = [line(3, 1), line(2, 2), line()]
    expect(lines.map(({ points }) => isUpmost(points, lines))).toEqual([false, true, false])
  })

  it('stand before a border that the line has come to, not where it has only begun', () => {
    const line = (...steps: number[]) => steps.map((x) => [x, 1] as const)
    expect(
      [line(1, 40), line(1, 30), line(1, 9), line(40, 50), line()].map((p) => endsAtBorder(p, 40)),
    ).toEqual([...[true, true, false, false, false]])
    expect(endsAtBorder(line(1, 40), -1)).toBe(false)
  })

  it('a border is drawn where no line is a main one yet', () => {
    const line = (isMain: boolean) => ({ name: '', isMain, points: [] })
    const lines = [line(false), line(true)]
    expect(markedLine(lines)).toBe(lines[1])
    expect(markedLine(lines.slice(0, 1))).toBe(lines[0])
    expect(markedLine([])).toBeUndefined()
  })

  it('of several runs stand in the order of their ends and never on each other', () => {
    const end = (x: number, y: number) => ({ x, y })
    const ys = (places: readonly { readonly y: number }[]) => places.map(({ y }) => y)
    // Far apart they stay where their lines end, also one whose line ended early.
    expect(placeLetters([end(300, 50), end(300, 90), end(60, 51)], 28, 278)).toEqual([
      end(300, 50),
      end(300, 90),
      end(60, 51),
    ])
    expect(ys(placeLetters([end(300, 101), end(302, 100), end(300, 99)], 28, 278))).toEqual([116, 100, 84])
    // Two that end in one place, at the border of the plot.
    expect(ys(placeLetters([end(60, 28), end(60, 28)], 28, 278))).toEqual([28, 44])
    const many = ys(
      placeLetters(
        Array.from({ length: 18 }, () => end(300, 270)),
        28,
        278,
      ),
    )
    expect(Math.min(...many)).toBeGreaterThanOrEqual(28)
    expect(Math.max(...many)).toBeLessThanOrEqual(278)
    expect(many.every((y, at) => at === 0 || y - many[at - 1]! > 14)).toBe(true)
  })
})

describe('pointing at a line', () => {
  const line = (id: string, ...points: (readonly [number, number])[]) => ({
    id,
    name: id,
    isMain: false,
    points,
  })
  const lines = [
    line('flat', [0, 100], [200, 100]),
    line('falling', [0, 0], [100, 100], [200, 300]),
    line('point', [300, 40]),
    { name: 'nameless', isMain: false, points: [[0, 50] as const, [200, 50] as const] },
  ]
  const at = (x: number, y: number) => nearestLine(lines, [x, y], ([px, py]) => [px, py])

  it('finds the nearest one, between its points too, and none far from all', () => {
    expect([at(20, 98), at(50, 52), at(150, 195), at(305, 45)]).toEqual([
      'flat',
      'falling',
      'falling',
      'point',
    ])
    expect([at(150, 150), at(250, 100), at(20, 50)]).toEqual([null, null, null])
  })
})
