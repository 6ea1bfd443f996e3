// Entity recognition: a text in, the names in it with their kinds out, one `KIND: words` a line, in the order of the
// text, or `none`.
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
      isRequired: true,
      help: 'The text in which the names stand.',
      kind: 'text',
      columnGuesses: columnNames(
        'text, sentence, content, document, message, input, body, satz, texto, frase, texte, phrase, testo, tekst, zdanie, текст, предложение, 文本, 句子, テキスト, 文, 텍스트, 문장, نص, metin',
      ),
    },
    {
      name: 'entities',
      title: 'Marked names',
      isRequired: true,
      help: 'Where each name begins and ends and what kind it is.',
      kind: 'list',
      columnGuesses: columnNames(
        'entities, spans, labels, label, annotations, ents, ner, marks, output, answer, entitäten, entidades, entités, entità, encje, сущности, 实体, エンティティ, 개체, kimlikler',
      ),
    },
  ],
  inputRoles: ['text'],
  answerRole: 'entities',
  identityRoles: ['text'],
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
  metrics: ['exactMatch', 'tokenF1', 'lossNats', 'perplexity'],
}
