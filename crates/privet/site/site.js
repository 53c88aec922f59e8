// The page's script beside the players: shows the edge's response to expired links, converts the time to the local
// zone, labels the players, and copies the template.
'use strict';

// Returns the edge's response to the video's link, as a status and a message.
async function asked(link) {
  const response = await fetch(link, { headers: { Range: 'bytes=0-0' }, cache: 'no-store' });
  const message = response.ok ? null : /<Message>([^<]*)<\/Message>/.exec(await response.text());
  return { isRefused: response.status === 403, text: `${response.status} ${message ? message[1] : ''}`.trim() };
}

// The expired video has no player: one would try for a while, and then guess at the cause.
const expired = document.getElementById('expired');
const expiredAnswer = document.getElementById('expired-answer');
asked(expired.dataset.video)
  .then((answer) => {
    expiredAnswer.textContent = answer.text;
    if (!answer.isRefused) expired.textContent = 'The edge did not refuse this link';
  })
  .catch((error) => { expiredAnswer.textContent = `no response: ${error.message}`; });

// The page may have been open for longer than its links are valid.
function refused(text) {
  const panel = document.createElement('div');
  panel.className = 'refused';
  // A screen reader has read the page before this was added.
  panel.setAttribute('role', 'alert');
  for (const line of ['This link has expired', text, 'Reload the page for a new one']) {
    panel.appendChild(document.createElement('p')).textContent = line;
  }
  return panel;
}

for (const [id, name] of [['private', 'Private video'], ['open', 'Open video']]) {
  const link = document.querySelector(`#${id} source[type="video/mp4"]`).src;
  const player = videojs(id);
  player.ready(() => player.el().setAttribute('aria-label', name));
  player.on('error', async () => {
    const answer = await asked(link).catch(() => null);
    if (!answer?.isRefused || player.isDisposed()) return;
    const panel = refused(answer.text);
    player.el().before(panel);
    player.dispose();
  });
}

const until = document.querySelector('time');
const end = new Date(until.dateTime);
if (!Number.isNaN(end.getTime())) {
  until.textContent = end.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}

const copied = document.getElementById('copied');
const template = document.getElementById('template');
document.getElementById('copy').addEventListener('click', async () => {
  // A screen reader would not read the same text again.
  copied.textContent = '';
  try {
    await navigator.clipboard.writeText(template.textContent);
    copied.textContent = 'Copied';
  } catch {
    getSelection().selectAllChildren(template);
    copied.textContent = 'The browser does not let the page copy. The text is selected: copy it with the keyboard.';
  }
});
