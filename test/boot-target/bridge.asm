; SPDX-License-Identifier: Apache-2.0
; A guest without a system whose programs are elsewhere: what comes on COM2 goes out on COM3, and what comes on COM3 goes out on
; COM2. QEMU connects COM2 to a port of its SPICE server (-chardev spicevmc,name=vdagent), COM3 to the test that plays the
; program behind it. Its PC speaker hums without end, and the microphone of an ES1370 is on, where it has one. COM1 says READY,
; and HEARD when something else than silence came from the microphone. Boots by BIOS; the whole of it is the boot sector.
;
; Assemble: nasm -f bin -o bridge.img bridge.asm

        bits 16
        org 0x7c00

%define COM1         0x3f8
%define COM2         0x2f8
%define COM3         0x3e8
%define LINE_STATUS  5
%define DATA_READY   1
%define CAN_SEND     0x20
%define HEARD_AT     0x2000             ; segment of what the microphone heard

start:  xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov bx, COM1
        call setup
        mov bx, COM2
        call setup
        mov bx, COM3
        call setup
        call hum
        call listen
        mov si, ready
        call say

pump:   mov di, COM2
        mov bx, COM3
        call carry
        mov di, COM3
        mov bx, COM2
        call carry
        cmp dword [es:0], 0
        je pump
        mov byte [es:0], 0
        cmp byte [said], 0
        jne pump
        mov byte [said], 1
        mov si, heard
        call say
        jmp pump

; Writes the text at SI on COM1.
say:    mov bx, COM1
.next:  lodsb
        test al, al
        jz .done
        call send
        jmp .next
.done:  ret

; A tone of 1 kHz: the third counter drives the speaker.
hum:    mov al, 0xb6
        out 0x43, al
        mov ax, 1193
        out 0x42, al
        mov al, ah
        out 0x42, al
        in al, 0x61
        or al, 3
        out 0x61, al
        ret

; Lets an ES1370 record into HEARD_AT, round and round.
listen: mov ax, HEARD_AT
        mov es, ax
        xor di, di
        mov cx, 512
        xor ax, ax
        rep stosw
        mov ax, 0xb102                  ; find the PCI device
        mov cx, 0x5000
        mov dx, 0x1274
        xor si, si
        int 0x1a
        jc .none
        mov ax, 0xb10c                  ; command: ports, and memory of its own accord
        mov di, 4
        mov cx, 5
        int 0x1a
        mov ax, 0xb109                  ; its first port
        mov di, 0x10
        int 0x1a
        and cl, 0xfc
        mov si, recorder
.next:  movzx dx, byte [si]
        add dx, cx
        mov eax, [si + 1]
        out dx, eax
        add si, 5
        cmp si, recorder.end
        jb .next
.none:  ret

; Carries what has come on port DI to port BX.
carry:  lea dx, [di + LINE_STATUS]
        in al, dx
        test al, DATA_READY
        jz .none
        mov dx, di
        in al, dx
        call send
        jmp carry
.none:  ret

; Sends AL on port BX, as soon as it takes it.
send:   mov ah, al
        lea dx, [bx + LINE_STATUS]
.wait:  in al, dx
        test al, CAN_SEND
        jz .wait
        mov al, ah
        mov dx, bx
        out dx, al
        ret

; Eight bits, no parity, FIFO on, no interrupts, ready to talk, on port BX.
setup:  lea dx, [bx + 1]
        xor al, al
        out dx, al
        lea dx, [bx + 3]
        mov al, 3
        out dx, al
        lea dx, [bx + 2]
        mov al, 7
        out dx, al
        lea dx, [bx + 4]
        mov al, 3
        out dx, al
        ret

recorder:                               ; registers and their values
        db 0x0c
        dd 0x0d                         ; page of the next two
        db 0x30
        dd HEARD_AT * 16
        db 0x34
        dd 255                          ; words of 32 bits in a round, less one
        db 0x2c
        dd 255                          ; samples, less one
        db 0x20
        dd 0x30                         ; 16 bits, two channels
        db 0x00
        dd 30 << 16 | 0x10              ; 44.1 kHz, on
.end:
ready:  db 'READY bridge', 13, 10, 0
heard:  db 'HEARD', 13, 10, 0
said:   db 0

        times 510 - ($ - $$) db 0
        dw 0xaa55
