// Translation: a text in one language in, the same text in another language out.
import { type Language, languages } from '#shared/contract/system.ts'
import type { DatasetRow } from '#shared/rows.ts'
import { languageCode, languageName } from './language-names.ts'
import {
  byCodeUnits,
  columnNames,
  type InEveryLanguage,
  inLanguage,
  promptedExample,
  type Scenario,
} from './scenario.ts'

interface Words {
  /** Stand in an instruction for the source and target language that each row names. */
  readonly marks: readonly [source: string, target: string]
  readonly plain: string
  readonly into: (target: string) => string
  readonly between: (source: string, target: string) => string
}

const instructions: InEveryLanguage<Words> = {
  en: {
    marks: ['{source language}', '{target language}'],
    plain: 'Translate the text.',
    into: (target) => `Translate the text into ${target}.`,
    between: (source, target) => `Translate the text from ${source} into ${target}.`,
  },
  de: {
    marks: ['{Ausgangssprache}', '{Zielsprache}'],
    plain: 'Übersetze den Text.',
    into: (target) => `Übersetze den Text. Zielsprache: ${target}.`,
    between: (source, target) => `Übersetze den Text. Ausgangssprache: ${source}. Zielsprache: ${target}.`,
  },
  es: {
    marks: ['{lengua de origen}', '{lengua de destino}'],
    plain: 'Traduce el texto.',
    into: (target) => `Traduce el texto al ${target}.`,
    between: (source, target) => `Traduce el texto del ${source} al ${target}.`,
  },
  fr: {
    marks: ['{langue source}', '{langue cible}'],
    plain: 'Traduis le texte.',
    into: (target) => `Traduis le texte. Langue cible : ${target}.`,
    between: (source, target) => `Traduis le texte. Langue source : ${source}. Langue cible : ${target}.`,
  },
  zh: {
    marks: ['{源语言}', '{目标语言}'],
    plain: '翻译这段文字。',
    into: (target) => `把这段文字翻译成${target}。`,
    between: (source, target) => `把这段文字从${source}翻译成${target}。`,
  },
  ja: {
    marks: ['{原文の言語}', '{訳文の言語}'],
    plain: '次の文章を翻訳してください。',
    into: (target) => `次の文章を${target}に翻訳してください。`,
    between: (source, target) => `次の文章を${source}から${target}に翻訳してください。`,
  },
}

/** The one language, the mark that each row fills in where there are several, or null where none is known. */
function nameOrMark(
  languages: readonly string[] | undefined,
  mark: string,
  language: Language,
): string | null {
  if (languages === undefined || languages.length === 0) return null
  return languages.length === 1 ? languageName(languages[0] ?? '', language) : mark
}

/** Languages of one role: those of its column, else the one that the column of the texts is called by. */
function languagesOf(rows: Iterable<DatasetRow>, field: string, textColumn: string | undefined): string[] {
  const found = new Set<string>()
  let isEverywhere = true
  for (const { fields } of rows) {
    const written = fields[field]
    if (written === undefined) isEverywhere = false
    else found.add(written)
  }
  if (found.size > 0) return isEverywhere ? [...found].sort(byCodeUnits) : []
  return textColumn !== undefined && languageCode(textColumn) !== null ? [textColumn] : []
}

/** The marks of one language, replaced by the names of the row's languages in it. */
function fillMarks(text: string, { fields }: DatasetRow, language: Language): string {
  const [source, target] = instructions[language].marks
  return text
    .replaceAll(source, () => languageName(fields.sourceLanguage ?? '', language))
    .replaceAll(target, () => languageName(fields.targetLanguage ?? '', language))
}

export const translation: Scenario = {
  id: 'translation',
  title: 'Translate the way you do',
  description: 'The model translates texts as your approved translations do, with your terms and your tone.',
  brings: 'text + its translation',
  sample: { input: 'The bicycle is ready for collection.', answer: 'Das Fahrrad kann abgeholt werden.' },
  roles: [
    {
      name: 'source',
      title: 'Source text',
      isRequired: true,
      help: 'The text to be translated.',
      kind: 'text',
      columnGuesses: columnNames(
        'source, source text, src, original, original text, from, input, text, sentence, segment',
        'quelle, quelltext, ausgangstext, fuente, texto original, origen, texte source, texte original',
        'testo originale, fonte, bron, brontekst, źródło, tekst źródłowy, источник, оригинал, исходный текст',
        '原文, 源文, 源语言, 原語, 원문, النص الأصلي, kaynak, kaynak metin',
      ),
    },
    {
      name: 'target',
      title: 'Translation',
      isRequired: true,
      help: 'The translation you approve of.',
      kind: 'text',
      columnGuesses: columnNames(
        'target, target text, tgt, translation, translated, translated text, to, output, reference, answer',
        'ziel, zieltext, übersetzung, traducción, traduccion, texto traducido, destino, traduction, texte cible, cible',
        'tradução, traduzione, vertaling, tłumaczenie, перевод, 译文, 翻译, 訳文, 翻訳, 번역, 번역문, ترجمة, çeviri, hedef',
      ),
    },
    {
      name: 'sourceLanguage',
      title: 'Language of the source',
      isRequired: false,
      help: 'A column that says which language the source text is in.',
      kind: 'label',
      columnGuesses: columnNames(
        'source language, source lang, src lang, from lang, from language, quellsprache, ausgangssprache',
        'idioma de origen, lengua de origen, langue source, 源语言代码, 原文言語',
      ),
    },
    {
      name: 'targetLanguage',
      title: 'Language of the translation',
      isRequired: false,
      help: 'A column that says which language the translation is in.',
      kind: 'label',
      columnGuesses: columnNames(
        'target language, target lang, tgt lang, to lang, to language, zielsprache',
        'idioma de destino, lengua de destino, langue cible, 目标语言, 訳文言語',
      ),
    },
  ],
  inputRoles: ['source'],
  answerRole: 'target',
  identityRoles: ['source', 'targetLanguage'],
  factsOf: (rows, columns) => ({
    sourceLanguages: languagesOf(rows, 'sourceLanguage', columns.source),
    targetLanguages: languagesOf(rows, 'targetLanguage', columns.target),
  }),
  defaultInstruction(facts) {
    const words = inLanguage(instructions, facts)
    const language = facts.language ?? 'en'
    const [source, target] = [
      nameOrMark(facts.sourceLanguages, words.marks[0], language),
      nameOrMark(facts.targetLanguages, words.marks[1], language),
    ]
    if (target === null) return words.plain
    return source === null ? words.into(target) : words.between(source, target)
  },
  toExamples(row, instruction) {
    const { source = '', target = '' } = row.fields
    const filled = languages.reduce((text, language) => fillMarks(text, row, language), instruction)
    return [promptedExample(row, filled, source, target)]
  },
  labelsOf: () => null,
  metrics: ['chrF', 'bleu', 'ter', 'exactMatch', 'lossNats', 'perplexity'],
}
