// Words of the frame around every screen.
export const frame = {
  skipToContent: 'Skip to the content',
  mainNavigation: 'Main',
  breadcrumb: 'Where you are',
  projects: 'Projects',
  experiments: 'Experiments',
  models: 'Models',
  chat: 'Chat',
  settings: 'Settings',
  titleOf: '{screen} · Tunewright',
  network: {
    counter: '{count} connection | {count} connections',
    offTitle: 'Nothing leaves this computer',
    off: 'Network features are off. Since the program started it has opened no connection to another computer.',
    allowedTitle: 'You allowed downloads',
    allowed:
      'Models may be fetched when you ask for one. Connections opened since the program started: {count}.',
    last: 'Last: {host}, {when}, for {purpose}.',
    change: 'Change this in Settings',
  },
  pill: {
    percent: '{name} · {percent}',
    percentTime: '{name} · {percent} · {time}',
    percentPaused: '{name} · {percent} · paused',
    open: 'Open {name}',
    others: '{count} more | {count} more',
  },
  journal: {
    damaged: 'The journal is damaged, so nothing can be shown from it. A backup can take its place.',
    changed: 'Something changed the journal since Tunewright closed it. You decide what counts.',
    found:
      'One thing in the journal is not as it was written. | {count} things in the journal are not as they were written.',
    open: 'Look at the journal',
  },
  connection: {
    lost: 'The connection to the program is lost. Where the program still runs, your runs go on; this page tries to connect again.',
    lostForGood: 'This page is no longer connected. Open it again with the address that the program shows.',
    retry: 'Connect now',
  },
  shortcuts: {
    title: 'Keyboard',
    description: 'Press the keys one after the other. They rest while you type in a field.',
    go: 'Go to {screen}',
    help: 'Show these keys',
    followedBy: 'then',
  },
  notFound: {
    title: 'There is no such screen',
    text: 'The address {path} leads nowhere.',
    home: 'Go to your projects',
  },
  screenFailed: {
    title: 'This screen could not be shown',
    text: 'Nothing of yours is lost. Open the screen again.',
  },
} as const
