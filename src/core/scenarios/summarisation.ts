// Summarisation: a long text in, a short one that says what matters out.
import { columnNames, inLanguage, promptedExample, type Scenario } from './scenario.ts'

const instructions = {
  en: 'Summarise the text. Give the summary only, without an introduction.',
  de: 'Fasse den Text zusammen. Gib nur die Zusammenfassung, ohne Einleitung.',
  es: 'Resume el texto. Da solo el resumen, sin introducción.',
  fr: 'Résume le texte. Donne seulement le résumé, sans introduction.',
  zh: '概括这段文字。只给出摘要，不要开场白。',
  ja: '次の文章を要約してください。前置きなしで要約だけを書いてください。',
} as const

export const summarisation: Scenario = {
  id: 'summarisation',
  title: 'Shorten texts',
  description: 'The model writes short summaries of long texts, as long and as plain as your examples.',
  brings: 'document + summary',
  sample: {
    input: 'The board met on Tuesday. After two hours it agreed to repair the roof first and to paint later.',
    answer: 'The board decided to repair the roof before painting.',
  },
  roles: [
    {
      name: 'document',
      title: 'Document',
      isRequired: true,
      help: 'The long text.',
      kind: 'text',
      lookFor: 'longer',
      columnGuesses: columnNames(
        'document, article, text, body, content, full text, source, source text, transcript, report, dialogue, dialog',
        'story, passage, input, email, notes, minutes, dokument, artikel, volltext, langtext, bericht, protokoll, inhalt',
        'documento, artículo, articulo, texto, contenido, informe, document complet, texte, contenu, rapport, artigo',
        'testo, articolo, tekst, artykuł, документ, статья, текст, 文档, 文章, 原文, 正文, 文書, 記事, 本文, 문서, 기사, 본문, metin, مستند',
      ),
    },
    {
      name: 'summary',
      title: 'Summary',
      isRequired: true,
      help: 'The summary you want, as long as you want it.',
      kind: 'text',
      columnGuesses: columnNames(
        'summary, summaries, abstract, highlights, tldr, tl dr, short, short text, gist, headline, target, output, answer',
        'zusammenfassung, kurzfassung, kurztext, fazit, resumen, sumario, extracto, résumé, resume, synthèse, resumo',
        'riassunto, sintesi, samenvatting, streszczenie, podsumowanie, резюме, краткое содержание, аннотация',
        '摘要, 总结, 概要, 要約, まとめ, 요약, ملخص, özet',
      ),
    },
  ],
  inputRoles: ['document'],
  answerRole: 'summary',
  identityRoles: ['document'],
  defaultInstruction: (facts) => inLanguage(instructions, facts),
  toExamples(row, instruction) {
    const { document = '', summary = '' } = row.fields
    return [promptedExample(row, instruction, document, summary)]
  },
  labelsOf: () => null,
  metrics: ['rougeLsum', 'rouge1', 'rouge2', 'lengthRatio', 'copiedNgrams', 'lossNats', 'perplexity'],
}
