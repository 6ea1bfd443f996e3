import { describe, expect, it } from 'vitest'
import {
  endsAtBorder,
  isUpmost,
  keepInside,
  labelledPoint,
  markedLine,
} from '#renderer/components/line-chart.ts'

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

  it('of several runs stand at different points', () => {
    const points = Array.from({ length: 11 }, (_, x) => [x, 1] as const)
    const line = (label?: string) => ({
      name: '',
      isMain: true,
      points,
      ...(label === undefined ? {} : { label }),
    })
    const lines = [line('A'), line(''), line('B'), line(), line('C')]
    expect([0, 2, 4].map((index) => labelledPoint(lines[index] ?? line(), lines))).toEqual([3, 5, 8])
    expect(labelledPoint({ ...line('A'), points: points.slice(0, 1) }, lines)).toBe(0)
  })
})
