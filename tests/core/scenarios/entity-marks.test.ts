// Marked names in every form that files bring: all become a text and one line for each name.
import { describe, expect, test } from 'vitest'
import { kindsIn, readInlineMarks, readMarkedSpans, readTaggedTokens } from '#core/scenarios/entity-marks.ts'

const tagged = (tokens: string[], tags: string[]) =>
  readTaggedTokens(JSON.stringify(tokens), JSON.stringify(tags))

describe('words with tags', () => {
  const tokens = ['Anna', 'Lind', 'met', 'Ben', 'in', 'New', 'York']
  test.each([
    ['BIO', ['B-PER', 'I-PER', 'O', 'B-PER', 'O', 'B-LOC', 'I-LOC']],
    ['IOB, where a name may begin with I', ['I-PER', 'I-PER', 'O', 'I-PER', 'O', 'I-LOC', 'I-LOC']],
    ['BIOES', ['B-PER', 'E-PER', 'O', 'S-PER', 'O', 'B-LOC', 'E-LOC']],
    ['BILOU', ['B-PER', 'L-PER', 'O', 'U-PER', 'O', 'B-LOC', 'L-LOC']],
    ['bare kinds', ['PER', 'PER', 'O', 'PER', '', 'LOC', 'LOC']],
  ])('%s', (_name, tags) => {
    expect(tagged(tokens, tags)).toEqual({
      text: 'Anna Lind met Ben in New York',
      entities: 'PER: Anna Lind\nPER: Ben\nLOC: New York',
    })
  })

  test('names side by side are two where the second begins with B', () => {
    expect(tagged(['Anna', 'Ben'], ['B-PER', 'B-PER'])).toMatchObject({ entities: 'PER: Anna\nPER: Ben' })
    expect(tagged(['Anna', 'Rome'], ['B-PER', 'I-LOC'])).toMatchObject({ entities: 'PER: Anna\nLOC: Rome' })
  })

  test('a text without names says none', () => {
    expect(tagged(['It', 'rained', '.'], ['O', 'O', 'O'])).toEqual({ text: 'It rained .', entities: 'none' })
  })

  test('Chinese words stand side by side', () => {
    expect(tagged(['李明', '在', '北京'], ['B-PER', 'O', 'B-LOC'])).toEqual({
      text: '李明在北京',
      entities: 'PER: 李明\nLOC: 北京',
    })
  })

  test.each([
    ["['Anna', \"isn't\"]", "['B-PER', 'O']"],
    ["['Anna' \"isn't\"]", "['B-PER' 'O']"],
    ["Anna isn't", 'B-PER O'],
    [String.raw`['\x41nna', 'isn\'t']`, "['B-PER', 'O',]"],
  ])('%s is a list too', (tokensCell, tagsCell) => {
    expect(readTaggedTokens(tokensCell, tagsCell)).toEqual({ text: "Anna isn't", entities: 'PER: Anna' })
  })

  test.each([
    ['["a", "b"]', '["O"]', '2 words and 1 tags'],
    ['["a"]', '[3]', 'numbers'],
    ['[1, {}]', '["O"]', 'not two lists'],
  ])('%s with %s cannot be used', (tokensCell, tagsCell, words) => {
    const read = readTaggedTokens(tokensCell, tagsCell)
    expect('reason' in read && read.reason).toContain(words)
  })
})

describe('spans', () => {
  const text = 'Anna Lind moved to Lisbon.'
  const expected = { text, entities: 'PERSON: Anna Lind\nPLACE: Lisbon' }
  test.each([
    '[{"start":0,"end":9,"label":"PERSON"},{"start":19,"end":25,"label":"PLACE"}]',
    '[[19,25,"PLACE"],[0,9,"PERSON"]]',
    '[{"start_offset":0,"end_offset":9,"label":["PERSON"]},{"begin":19,"stop":25,"type":"PLACE"}]',
    '{"entities":[[0,9,"PERSON"],[19,25,"PLACE"]]}',
    '[{"text":"Anna Lind","label":"PERSON"},{"word":"Lisbon","entity":"PLACE"}]',
    '{"PERSON":["Anna Lind"],"PLACE":["Lisbon"]}',
    'PERSON: Anna Lind\nPLACE: Lisbon',
    'PERSON：Anna Lind\r\nPLACE：Lisbon',
  ])('%s', (cell) => {
    expect(readMarkedSpans(text, cell)).toEqual(expected)
  })

  test.each(['[]', 'none', '-', '{"entities":[]}'])('%s is none', (cell) => {
    expect(readMarkedSpans(text, cell)).toEqual({ text, entities: 'none' })
  })

  test('places count characters, also behind one that JavaScript counts as two', () => {
    expect(readMarkedSpans('😀 Anna', '[[2,6,"PERSON"]]')).toMatchObject({ entities: 'PERSON: Anna' })
  })

  test('a name that occurs twice is placed twice; a repeated mark is one; white space in a name is a blank', () => {
    expect(
      readMarkedSpans('Anna and Anna', '[{"text":"Anna","label":"P"},{"text":"Anna","label":"P"}]'),
    ).toMatchObject({
      entities: 'P: Anna\nP: Anna',
    })
    expect(readMarkedSpans('Anna\nLind', '[[0,9,"P"],[0,9,"P"]]')).toMatchObject({ entities: 'P: Anna Lind' })
  })

  // A colon of full width stayed in the kind, and ended it where the answer was read.
  test.each(['bio:person', 'bio：person'])('the kind %s keeps the line readable', (kind) => {
    const read = readMarkedSpans('Anna', JSON.stringify([[0, 4, kind]]))
    expect(read).toMatchObject({ entities: 'bio-person: Anna' })
    expect('entities' in read && kindsIn(read.entities)).toEqual(['bio-person'])
  })

  test.each([
    ['[[0,99,"P"]]', 'from 0 to 99'],
    ['[[5,5,"P"]]', 'from 5 to 5'],
    ['[{"start":0}]', 'its beginning, its end and its kind'],
    ['[{"text":"Bob","label":"P"}]', '"Bob" is marked'],
    ['Anna and Ben', 'neither a list'],
    ['[0', 'not a list'],
  ])('%s cannot be used', (cell, words) => {
    const read = readMarkedSpans(text, cell)
    expect('reason' in read && read.reason).toContain(words)
  })
})

describe('marks in the text', () => {
  test.each([
    '[Anna](PERSON) moved to [New York](PLACE).',
    '<PERSON>Anna</PERSON> moved to <PLACE>New York</PLACE>.',
  ])('%s', (marked) => {
    expect(readInlineMarks(marked)).toEqual({
      text: 'Anna moved to New York.',
      entities: 'PERSON: Anna\nPLACE: New York',
    })
  })

  test('a link to a page is no mark', () => {
    expect(readInlineMarks('See [here](https://a.b/c).')).toEqual({
      text: 'See [here](https://a.b/c).',
      entities: 'none',
    })
  })
})
