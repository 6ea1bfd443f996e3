import { describe, expect, it } from 'vitest'
import { formatAbout, formatAboutRange, formatParameters, formatShortTime } from '#renderer/format.ts'
import { formatMetric, metricHeading, metricScale } from '#renderer/metric-words.ts'

const interval = (low: number, value: number, high: number) => ({ low, value, high })

describe('a metric for people', () => {
  it.each([
    ['accuracy', 0.714, '71 %'],
    ['bleu', 0.3124, '31.2'],
    ['lossNats', 1.2345, '1.23'],
    ['perplexity', 1234.5, '1,234.5'],
  ] as const)('%s %f is read as %s', (metric, value, words) => {
    expect(formatMetric(metric, value)).toBe(words)
  })

  it('has the plain words as its heading and the term beside them', () => {
    expect(metricHeading('accuracy')).toEqual({ plain: 'Right answers', term: 'accuracy' })
    expect(metricHeading('lossNats')).toEqual({ plain: 'Surprise', term: 'loss, nats a token' })
    expect(metricHeading('perplexity')).toEqual({ plain: 'Perplexity', term: '' })
    expect(metricHeading('lossNats', true).term).toBe('loss, nats a label')
    expect(metricHeading('perplexity', true)).toEqual({
      plain: 'Labels it hesitates between',
      term: 'perplexity',
    })
    expect(metricHeading('accuracy', true)).toEqual(metricHeading('accuracy'))
  })

  it('draws shares and scores on 0 to 1, others up to a little above what was measured', () => {
    expect(metricScale('chrF', [interval(0.1, 0.2, 0.3)])).toEqual({ min: 0, max: 1 })
    const scale = metricScale('lossNats', [interval(1, 2, 3), interval(1, 2, 4)])
    expect(scale.min).toBe(0)
    expect(scale.max).toBeCloseTo(4.4)
    expect(metricScale('lossNats', []).max).toBeGreaterThan(0)
  })
})

describe('times and counts for people', () => {
  it('rounds an estimate to what it can know', () => {
    expect(formatAbout(300)).toBe('about 5 s')
    expect(formatAbout(52_000)).toBe('about 1 min')
    expect(formatAbout(43 * 60_000)).toBe('about 45 min')
    expect(formatAbout(100 * 60_000)).toBe('about 1.5 h')
  })

  it.each([
    [240, 360, 'about 4 to 6 min'],
    [30, 90, 'about 30 s to 2 min'],
    [60, 61, 'about 1 min'],
    [4000, 9000, 'about 65 min to 2.5 h'],
  ])('says %i to %i seconds as a range', (lowSeconds, highSeconds, words) => {
    expect(formatAboutRange({ lowSeconds, highSeconds })).toBe(words)
  })

  it('says what is left, and how large a model is', () => {
    expect(formatShortTime(59_400)).toBe('59 s')
    expect(formatShortTime(120_000)).toBe('2 min')
    expect(formatShortTime(3 * 3_600_000)).toBe('3 h')
    expect(formatParameters(135_600_000)).toBe('136 M')
    expect(formatParameters(1_540_000_000)).toBe('1.5 B')
  })
})
