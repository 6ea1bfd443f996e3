import { describe, expect, it } from 'vitest'
import { allScenarios } from '#core/scenarios/scenarios.ts'
import { assignPart, orderColumns, partOf, rolesOf } from '#renderer/features/wizard/column-roles.ts'
import { wizard as words } from '#renderer/words/en/wizard.ts'

const roles = { columns: { text: 'Message', label: 'Queue' }, groupColumn: 'Customer' }

describe('column roles', () => {
  it('reads the parts off the columns, guessed ones too', () => {
    const columns = [
      { name: 'Message', role: 'text', isGuessed: true },
      { name: 'Date', role: null, isGuessed: false },
    ]
    expect(rolesOf(columns, 'Date')).toEqual({ columns: { text: 'Message' }, groupColumn: 'Date' })
  })

  it('moves a role: its old column has none then', () => {
    const moved = assignPart(roles, 'Date', { kind: 'role', role: 'label' })
    expect(moved).toEqual({ columns: { text: 'Message', label: 'Date' }, groupColumn: 'Customer' })
    expect(partOf(moved, 'Queue')).toEqual({ kind: 'unused' })
  })

  it('gives a column one part only', () => {
    const moved = assignPart(roles, 'Customer', { kind: 'role', role: 'text' })
    expect(moved).toEqual({ columns: { label: 'Queue', text: 'Customer' }, groupColumn: null })
    expect(assignPart(roles, 'Queue', { kind: 'together' })).toEqual({
      columns: { text: 'Message' },
      groupColumn: 'Queue',
    })
    expect(assignPart(roles, 'Customer', { kind: 'unused' }).groupColumn).toBeNull()
  })

  it('puts columns with a part first', () => {
    const names = Array.from({ length: 1000 }, (_, at) => `column ${at}`)
    const many = { columns: { text: 'column 998' }, groupColumn: 'column 700' }
    expect(orderColumns(names, many, '').slice(0, 3)).toEqual([700, 998, 0])
    expect(orderColumns(names, many, ' Column 99 ').slice(0, 2)).toEqual([998, 99])
  })

  it('has words for every role of every scenario', () => {
    const needed = new Set(allScenarios.flatMap((scenario) => scenario.roles.map(({ name }) => name)))
    expect(Object.keys(words.data.roles).sort()).toEqual([...needed].sort())
  })
})
