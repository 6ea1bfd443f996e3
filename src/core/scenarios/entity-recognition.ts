// Entity recognition: a text in, the names in it with their kinds out, one `KIND: words` a line, in the order of the
// text, or `none`.
import type { DatasetRow } from '#shared/rows.ts'
import { kindsIn, readInlineMarks, readMarkedSpans, readTaggedTokens } from './entity-marks.ts'
import { byCodeUnits, columnNames, inLanguage, promptedExample, type Scenario } from './scenario.ts'

/** More kinds than this would fill the prompt of every row. */
const listedKinds = 60

const instructions = {
  en: 'List the names and terms in the text, one on each line as KIND: words, in the order of the text. If there are none, write none.',
  de: 'Liste die Namen und Begriffe im Text auf, je einen pro Zeile als ART: Wörter, in der Reihenfolge des Textes. Gibt es keine, schreibe none.',
  es: 'Enumera los nombres y términos del texto, uno por línea como TIPO: palabras, en el orden del texto. Si no hay ninguno, escribe none.',
  fr: "Relève les noms et les termes du texte, un par ligne sous la forme TYPE: mots, dans l'ordre du texte. S'il n'y en a pas, écris none.",
  zh: '列出文中的名称和术语，每行一个，格式为“类型: 词语”，按文中顺序。如果没有，写 none。',
  ja: '文中の名前と用語を、文中の順に「種類: 語」の形で一行に一つずつ書いてください。なければ none と書いてください。',
} as const

const kindsOf = (rows: Iterable<DatasetRow>): Set<string> => {
  const kinds = new Set<string>()
  for (const { fields } of rows) for (const kind of kindsIn(fields.entities ?? '')) kinds.add(kind)
  return kinds
}

const kindsWords = {
  en: 'Kinds',
  de: 'Arten',
  es: 'Tipos',
  fr: 'Types',
  zh: '类型',
  ja: '種類',
} as const

export const entityRecognition: Scenario = {
  id: 'entity-recognition',
  title: 'Find names and terms in texts',
  description: 'The model finds the people, places, sums or whatever you marked, and says what kind each is.',
  brings: 'text with marked names',
  sample: { input: 'Anna moved to Lisbon.', answer: 'PERSON: Anna\nPLACE: Lisbon' },
  roles: [
    {
      name: 'text',
      title: 'Text',
      isRequired: false,
      help: 'The text in which the names stand. They may be marked in it, like [Anna](PERSON).',
      kind: 'text',
      columnGuesses: columnNames(
        'text, sentence, content, document, message, input, body, satz, texto, frase, texte, phrase, testo, tekst, zdanie, текст, предложение, 文本, 句子, テキスト, 文, 텍스트, 문장, نص, metin',
      ),
    },
    {
      name: 'entities',
      title: 'Marked names',
      isRequired: false,
      help: 'Where each name begins and ends and what kind it is.',
      kind: 'list',
      columnGuesses: columnNames(
        'entities, spans, labels, label, annotations, ents, ner, marks, output, answer, entitäten, entidades, entités, entità, encje, сущности, 实体, エンティティ, 개체, kimlikler',
      ),
    },
    {
      name: 'tokens',
      title: 'Words',
      isRequired: false,
      help: 'The words of the text as a list, where each has a tag.',
      kind: 'list',
      columnGuesses: columnNames(
        'tokens, words, token list, wörter, wortliste, palabras, mots, parole, słowa, слова, 词, 单词, 単語, 단어',
      ),
    },
    {
      name: 'tags',
      title: 'Tags',
      isRequired: false,
      help: 'One tag for each word: B-PERSON where a name begins, I-PERSON where it goes on, O outside.',
      kind: 'list',
      columnGuesses: columnNames(
        'tags, ner tags, bio, iob, bio tags, iob tags, labels, etiquetas, étiquettes, 标签序列, タグ, 태그',
      ),
    },
  ],
  alternatives: [['tokens', 'tags'], ['text']],
  textAs: 'conll',
  inputRoles: ['text'],
  answerRole: 'entities',
  identityRoles: ['text'],
  readRecord({ text = '', entities, tokens, tags }) {
    const read =
      tokens !== undefined && tags !== undefined
        ? readTaggedTokens(tokens, tags)
        : entities !== undefined
          ? readMarkedSpans(text, entities)
          : readInlineMarks(text)
    return 'reason' in read ? read : { rows: [{ text: read.text, entities: read.entities }] }
  },
  factsOf: (rows) => ({ labels: [...kindsOf(rows)].sort(byCodeUnits) }),
  faultOf: (rows) =>
    kindsOf(rows).size > 0
      ? null
      : {
          message: 'No row has a marked name, so there is nothing to learn.',
          remedy:
            'Choose the column in which the names are marked, or mark them in the text like [Anna](PERSON).',
        },
  defaultInstruction(facts) {
    const list = [...facts.labels].sort(byCodeUnits)
    const kinds =
      list.length === 0 || list.length > listedKinds
        ? ''
        : ` ${inLanguage(kindsWords, facts)}: ${list.join(', ')}.`
    return `${inLanguage(instructions, facts)}${kinds}`
  },
  toExamples(row, instruction) {
    const { text = '', entities = '' } = row.fields
    return [promptedExample(row, instruction, text, entities)]
  },
  labelsOf: () => null,
  metrics: ['entityF1', 'entityPrecision', 'entityRecall', 'formKept', 'lossNats', 'perplexity'],
}
