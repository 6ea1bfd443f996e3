// How Nuxt UI's components look here, where its own theme differs from ui.md. Colours come from theme.css, never from here.

const solidHover = (color: string, hover: string) => ({
  color,
  variant: 'solid',
  class: { base: hover },
})

export const componentTheme = {
  colors: { primary: 'green', neutral: 'stone' },
  button: {
    slots: { base: 'rounded-[9px] font-semibold whitespace-nowrap' },
    variants: {
      size: {
        sm: { base: 'px-3 py-1.5 text-[13px] leading-[18px] gap-1.5', leadingIcon: 'size-4' },
        md: { base: 'px-4 py-[9px] text-sm leading-5 gap-2.5', leadingIcon: 'size-[18px]' },
      },
    },
    // A lighter tint on hover, as the theme has it, would fall under the contrast of 4.5 that text needs.
    compoundVariants: [
      solidHover('primary', 'hover:bg-accent-hover active:bg-accent-hover disabled:bg-accent'),
      solidHover('error', 'hover:bg-error-hover active:bg-error-hover'),
      {
        color: 'neutral',
        variant: 'outline',
        class: { base: 'ring-line-strong bg-panel text-ink hover:bg-hover active:bg-hover' },
      },
      { color: 'neutral', variant: 'ghost', class: { base: 'text-second hover:text-ink hover:bg-hover' } },
    ],
  },
  modal: {
    slots: {
      content: 'rounded-[14px] bg-panel ring-line',
      header: 'p-5 sm:px-6 min-h-0',
      body: 'p-5 sm:p-6 sm:pt-0 pt-0',
      footer: 'p-5 sm:px-6 sm:pt-0 pt-0 justify-end gap-2',
      title: 'text-base font-semibold text-ink',
      description: 'text-second',
    },
    // The header draws no line under itself: a dialog is one card.
    variants: { scrollable: { false: { content: 'divide-y-0' }, true: { content: 'divide-y-0' } } },
  },
  popover: {
    slots: { content: 'rounded-xl bg-panel ring-line p-4 max-w-80 text-[13px] leading-5 text-second' },
  },
  tooltip: { slots: { content: 'h-auto min-h-6 py-1.5 max-w-80 text-[13px]', text: 'whitespace-normal' } },
  input: { slots: { base: 'rounded-[9px]' } },
  textarea: { slots: { base: 'rounded-[9px]' } },
  select: { slots: { base: 'rounded-[9px]' } },
} as const
