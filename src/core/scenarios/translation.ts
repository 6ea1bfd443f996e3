// Translation: a text in one language in, the same text in another language out.
import { columnNames, inLanguage, promptedExample, type Scenario } from './scenario.ts'

const instructions = {
  en: 'Translate the text.',
  de: 'Übersetze den Text.',
  es: 'Traduce el texto.',
  fr: 'Traduis le texte.',
  zh: '翻译这段文字。',
  ja: '次の文章を翻訳してください。',
} as const

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
        '原文, 源文, 源语言, 原語, 원문, النص الأصلي, kaynak, kaynak metin, en, english',
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
        'de, german, es, spanish, fr, french, it, italian, zh, chinese, ja, japanese',
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
  defaultInstruction: (facts) => inLanguage(instructions, facts),
  toExamples(row, instruction) {
    const { source = '', target = '' } = row.fields
    return [promptedExample(row, instruction, source, target)]
  },
  labelsOf: () => null,
  metrics: ['tokenF1', 'exactMatch', 'lossNats', 'perplexity'],
}
