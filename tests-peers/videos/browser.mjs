// Drives a browser for tests of videos.
//
// usage: browser.mjs chromium|firefox
//
// One JSON object a line on standard input, one JSON object a line on standard output, in order; the browser ends with
// standard input. A command that fails answers {"error": "…"}. What pages are asked is in page.html.
//
//   {"do": "open", "url": …}                        loads a page; forgets earlier refusals
//   {"do": "cookies", "cookies": ["name=value; …"]} sets cookies for the page that is open
//   {"do": "play"}, {"do": "pause"}, {"do": "seek", "time": …}, {"do": "swap", "query": …}
//   {"do": "await", "time": …, "ms": …}             waits until the video is past a time, is broken, or ms are over
//   {"do": "state"}                                 what the page says, and `refused`: answers from 400 on
//
// Of pages that are not page.html:
//
//   {"do": "look", "selector": …, "text": …, "ms": …} waits until the element has a text, or ms are over; says its text, its
//                                                   role or aria-live, and how many players and buttons it has
//   {"do": "click", "selector": …}, {"do": "deny-copying"}
//   {"do": "end-links", "path": …}                  from now on what is beneath a path is answered with 403; Video.js asks anew
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const videos = process.env.PRIVET_TEST_VIDEOS ?? join(here, "../../target/test-tools/videos");
const require = createRequire(join(resolve(videos), "players/anchor.js"));
const puppeteer = require("puppeteer-core");

const hosts = ["videos.example.test", "www.example.test", "www.another.test"];

function launch(browser) {
  if (browser === "firefox")
    return puppeteer.launch({
      browser: "firefox",
      executablePath: "/usr/bin/firefox-esr",
      headless: true,
      protocolTimeout: 30000,
      extraPrefsFirefox: {
        "media.autoplay.default": 0,
        "network.dns.localDomains": hosts.join(","),
        // These hosts have no certificates, and need none on loopback.
        "dom.security.https_first": false,
        "network.captive-portal-service.enabled": false,
      },
    });
  return puppeteer.launch({
    executablePath: "/usr/bin/chromium",
    headless: true,
    // The demo's certificate is its own.
    acceptInsecureCerts: true,
    protocolTimeout: 30000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--mute-audio",
      "--autoplay-policy=no-user-gesture-required",
      "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
      `--host-resolver-rules=${hosts.map((host) => `MAP ${host} 127.0.0.1`).join(",")},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1`,
    ],
  });
}

const browser = await launch(process.argv[2]);
const page = await browser.newPage();
let refused = [];
page.on("response", (response) => {
  if (response.status() < 400) return;
  refused.push(`${response.status()} ${new URL(response.url()).pathname}`);
});

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const state = async () => ({ ...(await page.evaluate(() => playback.state())), refused: [...new Set(refused)] });

const commands = {
  async open({ url }) {
    refused = [];
    await page.goto(url, { waitUntil: "load", timeout: 20000 });
    return {};
  },
  async cookies({ cookies }) {
    await page.evaluate((lines) => { for (const line of lines) document.cookie = line; }, cookies);
    return {};
  },
  async play() { await page.evaluate(() => playback.play()); return {}; },
  async pause() { await page.evaluate(() => playback.pause()); return state(); },
  async seek({ time }) { await page.evaluate((to) => playback.seek(to), time); return {}; },
  async swap({ query }) { await page.evaluate((other) => playback.swap(other), query); return {}; },
  async await({ time, ms }) {
    const end = Date.now() + ms;
    let seen = await state();
    while (seen.time < time && !seen.fatal && Date.now() < end) {
      await pause(50);
      seen = await state();
    }
    return seen;
  },
  state,
  async look({ selector, text, ms }) {
    const read = () => page.evaluate((where) => {
      const element = document.querySelector(where);
      return {
        text: element?.innerText ?? "",
        live: element?.getAttribute("aria-live") ?? element?.getAttribute("role") ?? "",
        players: element?.querySelectorAll("video, button, .video-js").length ?? 0,
      };
    }, selector).catch((error) => {
      // The page is being left for the next one.
      if (String(error).includes("Execution context was destroyed")) return { text: "", live: "", players: 0 };
      throw error;
    });
    const end = Date.now() + ms;
    let seen = await read();
    while (!seen.text.includes(text) && Date.now() < end) {
      await pause(50);
      seen = await read();
    }
    return seen;
  },
  async click({ selector }) { await page.click(selector); return {}; },
  async "deny-copying"() {
    await page.evaluate(() => { navigator.clipboard.writeText = () => Promise.reject(new Error("denied")); });
    return {};
  },
  async "end-links"({ path }) {
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      if (!new URL(request.url()).pathname.startsWith(path)) return request.continue();
      return request.respond({ status: 403, body: "<Error><Message>Access denied</Message></Error>" });
    });
    await page.evaluate(() => { const player = videojs("private"); player.src(player.currentSources()); });
    return {};
  },
};

const lines = createInterface({ input: process.stdin });
// Nobody waits for a command that is still under way; what is left of the browser goes with this process.
lines.on("close", async () => {
  await Promise.race([browser.close(), pause(5000)]);
  process.exit();
});
for await (const line of lines) {
  let answer;
  try {
    const command = JSON.parse(line);
    answer = await commands[command.do](command);
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
